"""Edits that answer a type checker's complaints, each tried with the checker itself."""
