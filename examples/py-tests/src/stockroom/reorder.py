"""Which articles to order, and how many packs of each."""

from collections.abc import Iterable
from dataclasses import dataclass

from stockroom.ledger import Ledger


@dataclass(frozen=True)
class Article:
    """An article is ordered as soon as its stock is down to `minimum`, in whole packs, up to `target`."""

    sku: str
    minimum: int
    target: int
    pack_size: int = 1


@dataclass(frozen=True)
class Order:
    """Packs of one article to order."""

    sku: str
    packs: int


def is_due(article: Article, on_hand: int) -> bool:
    """Whether the stock of an article has come down to its minimum."""
    return on_hand < article.minimum


def packs_needed(article: Article, on_hand: int) -> int:
    """Whole packs that fill the shelf up to the target, the last one counted even if it is too much."""
    missing = article.target - on_hand
    return -(-missing // article.pack_size)


def plan(articles: Iterable[Article], ledger: Ledger) -> list[Order]:
    """Orders for all articles that are due, sorted by article number."""
    orders = []
    for article in sorted(articles, key=lambda a: a.sku):
        on_hand = ledger.on_hand(article.sku)
        if is_due(article, on_hand):
            orders.append(Order(article.sku, packs_needed(article, on_hand)))
    return orders
