"""Sums up access logs: requests, bytes and errors by path."""

from logdigest.digest import Digest, Totals
from logdigest.line import Request, read

__all__ = ["Digest", "Request", "Totals", "read"]
