"""Checks of a machine, a store or a cluster."""
