"""The commands of `sparsest`, a file for each purpose."""
