"""What is sent, and where to."""

from dataclasses import dataclass
from enum import Enum


class Zone(Enum):
    DOMESTIC = "domestic"
    EUROPE = "europe"
    WORLD = "world"


@dataclass(frozen=True)
class Parcel:
    """Sizes in millimetres, weight in grams."""

    length_mm: int
    width_mm: int
    height_mm: int
    weight_g: int
    zone: Zone = Zone.DOMESTIC

    @property
    def girth_mm(self) -> int:
        """Around the parcel, plus its longest side."""
        longest, middle, shortest = sorted((self.length_mm, self.width_mm, self.height_mm), reverse=True)
        return longest + 2 * (middle + shortest)

    @property
    def volume_weight_g(self) -> int:
        """What a parcel is charged for when it is large and light: 5000 cubic centimetres a kilogram."""
        cubic_cm = self.length_mm * self.width_mm * self.height_mm // 1000
        return cubic_cm // 5
