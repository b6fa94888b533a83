"""From a parcel to its price."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from depot.parcel import Parcel, Zone

OVERSIZE_MM = 3000


@dataclass(frozen=True)
class Tier:
    """Parcels up to a weight cost this much in the home country."""

    up_to_g: int
    cents: int


@dataclass(frozen=True)
class Tariff:
    """Tiers, lightest first; zones multiply, oversize adds."""

    tiers: tuple[Tier, ...]
    factors: Mapping[Zone, int] = field(default_factory=dict)
    oversize_cents: int = 1500

    def tier_for(self, weight_g: int) -> Tier:
        for tier in self.tiers:
            if weight_g <= tier.up_to_g:
                return tier
        raise ValueError(f"no tier for {weight_g} g")

    def factor_for(self, zone: Zone) -> int:
        return self.factors.get(zone, 1)


def surcharge(parcel: Parcel, tariff: Tariff) -> int:
    """What a parcel costs more because of its size."""
    if parcel.girth_mm <= OVERSIZE_MM:
        return 0
    return tariff.oversize_cent


def quote(parcel: Parcel, tariff: Tariff) -> int:
    """The price of a parcel in cents."""
    charged_g = max(parcel.weight_g, parcel.volume_weight_g)
    base = tariff.tier_for(charged_g).cents * tariff.factor_for(parcel.zone)
    return base + surcharge(parcel, tariff)
