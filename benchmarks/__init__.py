"""Benchmarks: speed as ratios within one run, and distributions compared with references."""
