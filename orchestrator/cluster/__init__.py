"""Ray on this machine or on a cluster: joining it, watching it, and the workers on it."""
