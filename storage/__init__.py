"""The durable store of results, its one writer and its many readers."""
