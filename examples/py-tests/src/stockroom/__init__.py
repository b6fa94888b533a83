"""A stock ledger and the reorder plan that follows from it."""

from stockroom.ledger import Ledger, OutOfStock
from stockroom.reorder import Article, Order, plan

__all__ = ["Article", "Ledger", "Order", "OutOfStock", "plan"]
