"""Reading a store: by SQL, by experiment, for export."""
