"""What can be asked: to add an operation, add it to `OPERATIONS` of the file of its resource, or add a file."""
