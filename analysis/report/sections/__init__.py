"""The sections of the report: each runs its queries and describes its figures."""
