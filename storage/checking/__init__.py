"""Checking a store against its log, and repairing it."""
