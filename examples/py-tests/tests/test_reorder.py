import pytest

from stockroom import Article, Ledger, Order, OutOfStock, plan
from stockroom.reorder import is_due, packs_needed

SCREWS = Article("SCREW-M4", minimum=100, target=500, pack_size=200)
LAMPS = Article("LAMP-E27", minimum=3, target=10)


@pytest.fixture
def ledger():
    stock = Ledger()
    stock.receive("SCREW-M4", 120)
    stock.receive("LAMP-E27", 10)
    return stock


def test_plenty_on_the_shelf_orders_nothing(ledger):
    assert plan([SCREWS, LAMPS], ledger) == []


def test_stock_below_the_minimum_is_due():
    assert is_due(SCREWS, 99)
    assert is_due(SCREWS, 0)


def test_one_piece_above_the_minimum_is_not_due():
    assert not is_due(SCREWS, 101)
    assert not is_due(LAMPS, 4)


def test_stock_at_the_minimum_is_due():
    assert is_due(SCREWS, 100)
    assert is_due(LAMPS, 3)


def test_reaching_the_minimum_orders(ledger):
    ledger.issue("LAMP-E27", 7)
    assert plan([SCREWS, LAMPS], ledger) == [Order("LAMP-E27", 7)]


def test_far_above_the_minimum_is_not_due():
    assert not is_due(LAMPS, 10)
    assert not is_due(SCREWS, 5000)


@pytest.mark.parametrize(("on_hand", "packs"), [(0, 3), (99, 3), (100, 2), (101, 2)])
def test_packs_are_whole_and_reach_the_target(on_hand, packs):
    assert packs_needed(SCREWS, on_hand) == packs


def test_orders_are_sorted(ledger):
    ledger.issue("LAMP-E27", 9)
    ledger.issue("SCREW-M4", 119)
    assert [order.sku for order in plan([SCREWS, LAMPS], ledger)] == ["LAMP-E27", "SCREW-M4"]


def test_issue_is_all_or_nothing(ledger):
    with pytest.raises(OutOfStock, match="11 asked, 10 there"):
        ledger.issue("LAMP-E27", 11)
    assert ledger.on_hand("LAMP-E27") == 10


def test_an_empty_delivery_is_refused(ledger):
    with pytest.raises(ValueError, match="at least one piece"):
        ledger.receive("LAMP-E27", 0)
