"""What the lanes used: by day, lane and stage from the runs that are kept, and what counts against the caps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from llm.kept.stores import kept_ledger, kept_traces
from llm.ledger.base import KEEP_DAYS
from llm.ledger.days import Days
from llm.ledger.sent import REFUSALS, went_out
from llm.ledger.trace_rows import Attempt
from llm.providers.policy import ProvidersPolicy

KEYS = ("day", "lane", "stage")
AMOUNTS = ("calls", "failed", "refused", "tokens_in", "tokens_out", "tokens_cached", "usd_micros", "unpriced")


def usage(root: Path, env: Mapping[str, str], days: int) -> dict[str, Any]:
    """The last so many days, which are those of the policy's time zone, as plain JSON: `usage` has the rows of
    `group`, `counted` those of the ledger. PolicyError, LedgerError."""
    timezone = ProvidersPolicy(root, env).policy.timezone
    since = time.time() - min(max(1, days), KEEP_DAYS) * 86400
    calendar = Days(timezone)
    with kept_traces(root, env) as store:
        attempts = store.attempts(since) if store else ()
    rows = group(attempts, lambda at: calendar.at(at).label)
    counted = _counted(root, env, calendar.at(since).label)
    return {"timezone": timezone, "days": days, "usage": rows, "counted": counted}


def group(attempts: Iterable[Attempt], day_of: Callable[[float], str]) -> list[dict[str, Any]]:
    """One row a day, lane and stage, in that order. `refused` were held back by a cap and are no `calls`; of
    `unpriced` calls nobody knows the price: they are not in `usd_micros`. `failed` calls brought no answer."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in attempts:
        sent = went_out(one.cause, one.provider_ms)
        if not sent and one.cause not in REFUSALS:
            continue  # called off before it was made
        key = (day_of(one.at), one.lane, one.stage)
        row = rows.setdefault(key, {**dict(zip(KEYS, key, strict=True)), **dict.fromkeys(AMOUNTS, 0)})
        if not sent:
            row["refused"] += 1
            continue
        row["calls"] += 1
        row["failed"] += one.cause != "ok"
        row["tokens_in"] += one.tokens_in
        row["tokens_out"] += one.tokens_out
        row["tokens_cached"] += one.tokens_cached
        row["usd_micros"] += one.usd_micros or 0
        row["unpriced"] += one.usd_micros is None
    return [rows[key] for key in sorted(rows)]


def _counted(root: Path, env: Mapping[str, str], first_day: str) -> list[dict[str, Any]]:
    """What the ledger holds against the caps; other clones that share it are in there too."""
    with kept_ledger(root, env) as store:
        history = store.history() if store else ()
    recent = (each for each in history if each.day >= first_day)
    return [{"day": each.day, "lane": each.lane, **each.used._asdict()} for each in recent]
