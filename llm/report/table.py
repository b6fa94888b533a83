"""Plain tables and amounts for a terminal: no colour, nothing that a terminal would obey."""

from __future__ import annotations

from collections.abc import Sequence

from llm.triage.clean import strip_control

_WIDEST = 72


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns in line, two spaces apart; numbers to the right. A cell is one line of at most 72 characters."""
    cells = [[_cell(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [
        bool(rows) and all(isinstance(row[column], int | float) for row in rows) for column in range(len(header))
    ]
    lines = ("  ".join(_pad(*each) for each in zip(row, widths, right, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def usd(micros: int | None, unpriced: int = 0) -> str:
    """Dollars from micro-USD; what nobody knows the price of is said, and never $0."""
    if micros is None or (unpriced and not micros):
        return "unknown"
    digits = 2 if micros % 10_000 == 0 else 4 if micros >= 100 or micros == 0 else 6
    return f"${micros / 1e6:.{digits}f}" + (" + unknown" if unpriced else "")


def _cell(value: object) -> str:
    text = " ".join(strip_control(str(value)).split())
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _pad(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)
