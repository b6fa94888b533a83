"""Edits for lint rules that the linter does not fix by itself, each of them one that keeps the behaviour."""
