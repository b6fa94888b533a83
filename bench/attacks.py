"""The table of attacks: each hostile behaviour of `tests/attacks`, held or not, and if it works without a sandbox.

`--write docs/threat-model.md` puts the table between that page's marks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from bench.figure import emit
from tests.attacks.arena import ATTACKS, SIEGES, Outcome, arena
from tests.attacks.attack import Control
from tests.sandbox.runner import ROOT, USERS, readable_package, running_as

START, END = "<!-- attacks: begin -->", "<!-- attacks: end -->"


class Row(NamedTuple):
    """One attack: its name, for each user whether it was held, and whether the control got through."""

    name: str
    held: dict[str, bool]
    works_outside: bool | None


def main() -> None:
    rows = table()
    for row in rows:
        for user, held in row.held.items():
            emit(f"attack: {row.name}", held, "held", "held", user=_named(user), works_outside=row.works_outside)
    emit("attacks held", sum(all(row.held.values()) for row in rows), "attacks", f"all of {len(rows)}")
    if sys.argv[1:2] == ["--write"]:
        page = Path(sys.argv[2])
        before, _, rest = page.read_text().partition(START)
        page.write_text(f"{before}{START}\n{markdown(rows)}\n{END}{rest.partition(END)[2]}")


def table() -> list[Row]:
    """Every attack in the sandbox as each kind of user, and unconfined as whoever runs this."""
    held: dict[str, dict[str, bool]] = {}
    outside: dict[str, Outcome] = {}
    with readable_package() as package:
        for user in USERS:
            with running_as(user, package) as runner, arena(runner) as field:
                for outcome in (*field.attack().values(), *field.besiege().values()):
                    held.setdefault(outcome.name, {})[user] = outcome.held
                if user == "own":
                    outside = field.controls() | {s.name: field.siege_control(s) for s in SIEGES}
    works = {name: not outcome.held for name, outcome in outside.items()}
    missing = {a.name for a in ATTACKS if a.optional and not works.get(a.name)}
    return [Row(name, users, None if name in missing else works.get(name)) for name, users in held.items()]


def markdown(rows: list[Row]) -> str:
    """The table, one row an attack."""
    users = [_named(user) for user in USERS]
    lines = [f"| attack | {' | '.join(f'as {user}' for user in users)} | without a sandbox |"]
    lines.append("|---" * (len(users) + 2) + "|")
    for row in rows:
        outside = {True: "works", False: "fails", None: "not on this kernel or not for this user"}
        cells = ["held" if row.held[user] else "**LEAKS**" for user in USERS]
        lines.append(f"| {row.name} | {' | '.join(cells)} | {outside[row.works_outside]} |")
    root_only = sum(a.control is Control.ROOT for a in ATTACKS)
    lines += [
        "",
        f"{len(rows)} attacks; {root_only} of them work for root alone, and all but sieges share one job.",
    ]
    return "\n".join(lines)


def _named(user: str) -> str:
    return "an ordinary user" if user == "ordinary" or not ROOT else "root"


if __name__ == "__main__":
    main()
