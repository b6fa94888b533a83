"""`torre usage`: what the lanes used, by day, lane and stage, and what counts against the caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm.commands._arguments import add_json, add_path

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from llm.commands.base import Output

HELP = "what the lanes used, by day, lane and stage"


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

    from llm.commands.base import Output, root_at
    from llm.kept.usage import usage

    data = usage(root_at(options.path), os.environ, options.days)
    if options.csv:
        return Output(_csv(data["usage"]))
    return Output(_text(data["usage"], data["counted"], data["timezone"]), data)


def _csv(rows: list[dict[str, Any]]) -> str:
    import csv
    import io

    from llm.kept.usage import AMOUNTS, KEYS

    text = io.StringIO()
    writer = csv.DictWriter(text, (*KEYS, *AMOUNTS), lineterminator="\n")
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
    from llm.kept.usage import KEYS
    from llm.report.table import table, usd

    shown = (*KEYS, "calls", "failed", "refused", "tokens_in", "tokens_out")
    cells = [(*(row[name] for name in shown), usd(row["usd_micros"], row["unpriced"])) for row in rows]
    return table((*(name.replace("_", " ") for name in shown), "cost"), cells)


def _against_caps(counted: list[dict[str, Any]]) -> str:
    from llm.report.table import table, usd

    cells = []
    for each in counted:
        cost = usd(each["usd_micros"], each["unpriced"])
        cells.append((each["day"], each["lane"] or "all lanes", each["calls"], each["tokens"], cost))
    return table(("day", "lane", "calls", "tokens", "cost"), cells)
