"""The experiments that a command asks for, those that are not stored, and their cost."""
