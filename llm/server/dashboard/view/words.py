"""Amounts as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from llm.ledger import trace_filter as kept

UNKNOWN = "–"
OUTCOMES: Mapping[str, str] = {
    kept.GREEN: "Green",
    kept.NO_WINNER: "No winner",
    kept.ADVISORY: "Advisory",
    kept.REFUSED: "Refused by a cap",
    kept.FAILED: "Lanes failed",
    kept.NOTHING_RED: "Nothing red",
    kept.INTERRUPTED: "Interrupted",
    kept.RUNNING: "Running",
    kept.APPLIED: "Applied",
    kept.ROLLED_BACK: "Rolled back",
    kept.UNDONE: "Undone",
}
"""How a run stands, and what became of its patch. A failing run is none of Torre's failures: it is called what it
is."""
CAPS: Mapping[str, str] = {
    "daily_calls": "Calls today",
    "daily_tokens": "Tokens today",
    "daily_usd": "Spend today",
    "rpm": "Calls this minute",
    "tpm": "Tokens this minute",
    "concurrency": "Calls at once",
    "budget.daily_usd": "Budget today",
}


def money(micros: float | None, unpriced: int = 0) -> str:
    """Dollars from micro-USD; a call of which nobody knows the price is said, and never $0."""
    if micros is None or (unpriced and not micros):
        return "unknown"
    usd = micros / 1e6
    digits = 0 if usd >= 1000 else 2 if usd >= 0.995 or usd == 0 else 4 if usd >= 0.0001 else 6
    return f"${usd:,.{digits}f}" + (" + unknown" if unpriced else "")


def duration(ms: float | None) -> str:
    """Milliseconds in the unit that fits."""
    if ms is None:
        return UNKNOWN
    if ms < 1000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def seconds(whole: float) -> str:
    """Seconds on an axis."""
    return f"{whole:g} s" if whole < 60 else f"{whole / 60:g} min"


def share(part: float | None, digits: int = 0) -> str:
    """A share of 1 in per cent."""
    return UNKNOWN if part is None else f"{part:.{digits}%}"


def count(number: float | None) -> str:
    """A number with its thousands apart."""
    return UNKNOWN if number is None else f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def short(number: float) -> str:
    """A number on an axis, and in a gauge: 1.2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / (1000 if letter == 'k' else size):.3g}{letter}"
    return f"{number:,.3g}" if number < 1 else f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def dollars(micros: float) -> str:
    """Dollars on an axis."""
    return f"${micros / 1e6:,.6g}"


def moment(at: float | None, timezone: str) -> str:
    """When, to the minute."""
    return UNKNOWN if at is None else f"{_local(at, timezone):%-d %b %Y, %H:%M}"


def clock(at: float | None, timezone: str) -> str:
    """The time of day."""
    return UNKNOWN if at is None else f"{_local(at, timezone):%H:%M}"


def iso(at: float) -> str:
    """When, for a machine."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def day(label: str) -> str:
    """An ISO date on an axis."""
    return f"{datetime.fromisoformat(label):%-d %b}"


def outcome(word: str) -> str:
    """How a run stands."""
    return OUTCOMES.get(word, word.replace("_", " ").capitalize())


def cause(word: str) -> str:
    """Why a call was refused or failed, or a candidate rejected."""
    return word.replace("_", " ")


def place(workspace: str, project: str = "") -> str:
    """A workspace by its path within the project, or by the end of its path: enough to know it by."""
    path = PurePosixPath(workspace)
    if project and path != PurePosixPath(project) and path.is_relative_to(project):
        return str(path.relative_to(project))
    return path.name or "files alone"


def amount(number: float | None, unit: str) -> str:
    """A number of calls, tokens or micro-USD."""
    if number is None:
        return UNKNOWN
    return money(number) if unit == "micro-USD" else short(number)


def _local(at: float, timezone: str) -> datetime:
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    return datetime.fromtimestamp(at, zone)
