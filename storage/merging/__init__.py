"""Several stores held against each other, and made one."""
