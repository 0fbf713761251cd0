"""Writing to a store: one process, all-or-nothing commits."""
