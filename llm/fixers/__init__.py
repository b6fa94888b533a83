"""The embedded provider: deterministic fixers first, then a search over edits proven by the tests."""
