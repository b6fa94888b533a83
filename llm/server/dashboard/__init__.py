"""The pages of the server: a file here with `PAGES` is found by its name, and its routes are served."""
