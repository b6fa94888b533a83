"""What `torre fix --format NAME` writes: one format a file, each with a `FORMAT` object."""
