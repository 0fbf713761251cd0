"""Reading a store: by SQL and by experiment."""
