"""What can be tried, and what a trial yields."""
