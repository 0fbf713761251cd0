"""Checking a store against its log, and mending what can be mended."""
