import pytest

from depot import Parcel, Tariff, Tier, Zone, quote

TARIFF = Tariff((Tier(1000, 390), Tier(5000, 690), Tier(20000, 1290)), {Zone.EUROPE: 2, Zone.WORLD: 4})


def parcel(weight_g, zone=Zone.DOMESTIC):
    return Parcel(200, 150, 100, weight_g, zone)


@pytest.mark.parametrize(("weight_g", "cents"), [(1, 390), (1000, 390), (1001, 690), (20000, 1290)])
def test_the_weight_picks_the_tier(weight_g, cents):
    assert quote(parcel(weight_g), TARIFF) == cents


def test_zones_multiply():
    assert quote(parcel(800, Zone.EUROPE), TARIFF) == 780
    assert quote(parcel(800, Zone.WORLD), TARIFF) == 1560


def test_a_large_light_parcel_is_charged_by_volume():
    assert quote(Parcel(500, 400, 300, 900), TARIFF) == 1290


def test_too_heavy_has_no_price():
    with pytest.raises(ValueError, match="20001 g"):
        quote(parcel(20001), TARIFF)
