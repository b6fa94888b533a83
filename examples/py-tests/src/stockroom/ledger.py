"""What is on the shelf: movements in and out, never below zero."""

from collections import defaultdict


class OutOfStock(Exception):
    """More was asked for than is there."""


class Ledger:
    """Counts pieces by article number."""

    def __init__(self) -> None:
        self._pieces: defaultdict[str, int] = defaultdict(int)

    def receive(self, sku: str, pieces: int) -> None:
        """Book a delivery."""
        if pieces <= 0:
            raise ValueError("a delivery has at least one piece")
        self._pieces[sku] += pieces

    def issue(self, sku: str, pieces: int) -> None:
        """Book pieces out; all of them or none."""
        if pieces > self._pieces[sku]:
            raise OutOfStock(f"{sku}: {pieces} asked, {self._pieces[sku]} there")
        self._pieces[sku] -= pieces

    def on_hand(self, sku: str) -> int:
        """Pieces of an article on the shelf."""
        return self._pieces[sku]
