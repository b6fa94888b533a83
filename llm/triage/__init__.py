"""Logs → diagnostics → stage."""
