"""The tools, one a file, each with a `TOOL` object; `fix.py` is `torre_fix`."""
