"""The training kernel of the CPU, and what it is written in."""
