"""The published results: a study's rows in one small file."""
