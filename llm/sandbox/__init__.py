"""Isolated execution; the only room that starts processes. One backend a file in `backends/`."""
