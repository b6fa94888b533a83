"""Prices of parcels, in cents."""

from depot.parcel import Parcel, Zone
from depot.tariff import Tariff, Tier, quote

__all__ = ["Parcel", "Tariff", "Tier", "Zone", "quote"]
