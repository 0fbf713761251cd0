"""Terminal output about sweeps and stores."""
