"""What was accepted is kept in a table, waits in a line where the keys take turns, and is done by a crew of child
processes: `torre fix -`, `torre rerank`, `torre apply`."""
