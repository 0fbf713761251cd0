"""The durable store of results: one writer, many readers."""
