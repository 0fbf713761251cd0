"""Comparing and merging stores."""
