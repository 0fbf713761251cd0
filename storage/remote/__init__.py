"""A store in an S3 bucket: its objects, and the working copy that this machine has of it."""
