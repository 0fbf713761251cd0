"""The CPU training kernel."""
