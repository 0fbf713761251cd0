"""The sweep: plan, executors, the driver loop, and the command line."""
