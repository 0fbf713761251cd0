"""Sweep files: from TOML to a study."""
