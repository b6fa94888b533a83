"""Sort backups into those that stay and those that go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from retention.policy import Policy


class Sweep(NamedTuple):
    keep: list[date]
    drop: list[date]


def newest_of_months(backups: Iterable[date], months: int) -> set[date]:
    """The newest backup of each of the newest so many months that have one."""
    newest: dict[tuple[int, int], date] = {}
    for backup in sorted(backups):
        newest[backup.year, backup.month] = backup
    chosen = sorted(newest, reverse=True)[:months]
    return {newest[month] for month in chosen}


def sweep(backups: Iterable[date], policy: Policy, today: date) -> Sweep:
    """What a policy keeps and drops of some backups, both oldest first. A backup of the future is kept."""
    ordered = sorted(set(backups))
    oldest_day = today - timedelta(days=policy.days - 1)
    recent = {backup for backup in ordered if backup >= oldest_day}
    monthly = newest_of_months(ordered, policy.months)
    keep = recent | montly
    return Sweep([b for b in ordered if b in keep], [b for b in ordered if b not in keep])
