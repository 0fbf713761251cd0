"""A user's own sweep: from a TOML file to a study."""
