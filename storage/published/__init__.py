"""The published results: the rows of a study in one small file."""
