"""What of a machine, a store or a cluster is not as it should be."""
