"""Stores in S3 buckets: their objects, and this machine's working copies of them."""
