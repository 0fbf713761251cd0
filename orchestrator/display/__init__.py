"""What commands show of sweeps and stores on the terminal."""
