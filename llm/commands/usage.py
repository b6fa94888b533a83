"""`torre usage`: what the lanes used, by day, lane and stage, and what counts against the caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from llm.commands.base import Output
    from llm.ledger.trace_rows import Attempt

HELP = "what the lanes used, by day, lane and stage"
_KEYS = ("day", "lane", "stage")
_AMOUNTS = ("calls", "failed", "refused", "tokens_in", "tokens_out", "tokens_cached", "usd_micros", "unpriced")


def configure(parser: ArgumentParser) -> None:
    """See `llm.commands`."""
    add_path(parser)
    parser.add_argument("--days", type=int, default=30, metavar="N", help="the last N days (default 30)")
    form = parser.add_mutually_exclusive_group()
    add_json(form)
    form.add_argument("--csv", action="store_true", help="one line a day, lane and stage; money in micro-USD")


def run(options: Namespace) -> Output:
    """Days are those of the policy's time zone. Exit code 0. PolicyError, LedgerError."""
    import os
    import time

    from llm.commands.base import Output, root_at
    from llm.ledger.base import KEEP_DAYS
    from llm.ledger.days import Days
    from llm.providers.policy import ProvidersPolicy

    root = root_at(options.path)
    timezone = ProvidersPolicy(root).policy.timezone
    since = time.time() - min(max(1, options.days), KEEP_DAYS) * 86400
    days = Days(timezone)
    attempts = _attempts(root, os.environ, since)
    rows = group(attempts, lambda at: days.at(at).label)
    if options.csv:
        return Output(_csv(rows))
    counted = _counted(root, os.environ, days.at(since).label)
    data = {"timezone": timezone, "days": options.days, "usage": rows, "counted": counted}
    return Output(_text(rows, counted, timezone), data)


def group(attempts: Iterable[Attempt], day_of: Any) -> list[dict[str, Any]]:
    """One row a day, lane and stage, in that order. `refused` were not sent and are no `calls`; of `unpriced`
    calls nobody knows the price: they are not in `usd_micros`. `failed` calls brought no answer."""
    from llm.ledger.base import Exhausted

    refusals = frozenset(get_args(Exhausted))
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in attempts:
        key = (day_of(one.at), one.lane, one.stage)
        row = rows.setdefault(key, {**dict(zip(_KEYS, key, strict=True)), **dict.fromkeys(_AMOUNTS, 0)})
        if one.cause in refusals:
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


def _attempts(root: Path, env: Mapping[str, str], since: float) -> tuple[Attempt, ...]:
    from llm.commands.base import kept_traces

    with kept_traces(root, env) as store:
        return store.attempts(since) if store else ()


def _counted(root: Path, env: Mapping[str, str], first_day: str) -> list[dict[str, Any]]:
    """What the ledger holds against the caps; other clones that share it are in there too."""
    from llm.commands.base import kept_ledger

    with kept_ledger(root, env) as store:
        history = store.history() if store else ()
    recent = (each for each in history if each.day >= first_day)
    return [{"day": each.day, "lane": each.lane, **each.used._asdict()} for each in recent]


def _csv(rows: list[dict[str, Any]]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, (*_KEYS, *_AMOUNTS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")


def _text(rows: list[dict[str, Any]], counted: list[dict[str, Any]], timezone: str) -> str:
    blocks = []
    if rows:
        blocks.append(f"used by the runs that are kept (days in {timezone}):\n{_by_stage(rows)}")
    if counted:
        blocks.append(f"counted against the caps, reservations included:\n{_against_caps(counted)}")
    return "\n\n".join(blocks) or "no lane was called in these days"


def _by_stage(rows: list[dict[str, Any]]) -> str:
    from llm.report.table import table, usd

    shown = (*_KEYS, "calls", "failed", "refused", "tokens_in", "tokens_out")
    cells = [(*(row[name] for name in shown), usd(row["usd_micros"], row["unpriced"])) for row in rows]
    return table((*(name.replace("_", " ") for name in shown), "cost"), cells)


def _against_caps(counted: list[dict[str, Any]]) -> str:
    from llm.report.table import table, usd

    cells = []
    for each in counted:
        cost = usd(each["usd_micros"], each["unpriced"])
        cells.append((each["day"], each["lane"] or "all lanes", each["calls"], each["tokens"], cost))
    return table(("day", "lane", "calls", "tokens", "cost"), cells)
