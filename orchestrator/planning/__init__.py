"""What is to be trained, what of it is left, and what that costs."""
