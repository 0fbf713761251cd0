"""Measurements: speed as ratios within one run, and distributions against references."""
