"""The project of the demo: small, red, and green again by one edit that the embedded fixers find."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_BASKET = '''\
"""What a customer is about to buy; money in cents."""

from __future__ import annotations

from dataclasses import dataclass, field

FREE_FROM = 5000
SHIPPING = 490


@dataclass
class Basket:
    lines: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, name: str, price: int, count: int = 1) -> None:
        self.lines.append((name, price, count))

    @property
    def goods(self) -> int:
        return sum(price * count for _, price, count in self.line)

    @property
    def shipping(self) -> int:
        """Nothing from 50.00 on, and nothing for an empty basket."""
        if not self.lines or self.goods >= FREE_FROM:
            return 0
        return SHIPPING

    @property
    def total(self) -> int:
        return self.goods + self.shipping
'''

_TEST = """\
import unittest

from shop.basket import Basket


class BasketTest(unittest.TestCase):
    def setUp(self):
        self.basket = Basket()

    def test_an_empty_basket_costs_nothing(self):
        self.assertEqual(self.basket.total, 0)

    def test_small_orders_pay_for_shipping(self):
        self.basket.add("pencil", 120, 3)
        self.assertEqual(self.basket.total, 850)

    def test_large_orders_are_shipped_free(self):
        self.basket.add("desk", 19900)
        self.assertEqual(self.basket.total, 19900)

    def test_shipping_is_free_from_fifty_on(self):
        self.basket.add("lamp", 2500, 2)
        self.assertEqual(self.basket.shipping, 0)
        self.assertEqual(self.basket.total, 5000)
"""

_SETTINGS = """\
[project]
name = "shop"
version = "0.1.0"

[tool.torre]
checks = ["python3 -m unittest discover -s tests -t ."]
"""

_POLICY = """\
quotas:
  openai/gpt-4o: { rpm: 60, daily_calls: 60, daily_usd: 2.50, concurrency: 4 }
  anthropic/claude-3.5: { rpm: 40, daily_calls: 40, daily_usd: 3 }
  google/gemini-1.5: { rpm: 60, daily_calls: 30 }
  local/qwen2.5-7b: { rpm: 600, concurrency: 2 }
budget: { daily_usd: 5, run_usd: 0.50 }
routes:
  types: [anthropic/claude-3.5, openai/gpt-4o, google/gemini-1.5]
  tests: [openai/gpt-4o, google/gemini-1.5]
"""

_FILES: Mapping[str, str] = MappingProxyType(
    {
        "shop/__init__.py": "",
        "shop/basket.py": _BASKET,
        "tests/__init__.py": "",
        "tests/test_basket.py": _TEST,
        "pyproject.toml": _SETTINGS,
        "billing/README.md": "Invoices and dunning.\n",
        "search/README.md": "The product search.\n",
        ".torre/providers.yaml": _POLICY,
    }
)


def make_project(place: Path) -> tuple[Path, ...]:
    """Write it into a directory, which is made. Its workspaces: itself, and parts of it that others work on."""
    for name, text in _FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return place, *(path.parent for name in _FILES if (path := place / name).name == "README.md")
