"""Meter readings, and what was used between them."""

from meter.reading import Reading, in_order
from meter.usage import Usage, monthly, report

__all__ = ["Reading", "Usage", "in_order", "monthly", "report"]
