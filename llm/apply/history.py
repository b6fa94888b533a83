"""What became of a run's patch on the user's files, as the journals tell it. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llm.apply.journal import Journals, State

_WORDS: Mapping[State, str] = {
    State.APPLYING: "interrupted; `torre doctor` finishes it",
    State.COMMITTED: "applied",
    State.UNDOING: "being taken back; `torre doctor` finishes it",
    State.UNDONE: "applied and taken back",
    State.ABANDONED: "given up by `torre unlock`",
}


@dataclass(frozen=True, slots=True)
class Application:
    """One apply of a run. `at` is in seconds since the epoch, `number` its journal's, `state` is in words.
    `commit` is the id of the commit that was made of it, "" without."""

    number: int
    at: float
    state: str
    files: tuple[str, ...]
    commit: str = ""


def applications(root: Path, env: Mapping[str, str], trace_id: str) -> tuple[Application, ...]:
    """Those of this run that this user made and that are kept (the last 20 of all runs), oldest first. ApplyError
    where the journals cannot be read."""
    with Journals(root, env) as journals:
        found = [journal for journal in journals.ours() if journal.manifest.trace_id == trace_id]
        return tuple(
            Application(j.number, j.manifest.at, _WORDS[j.state], j.manifest.paths, j.commit)
            for j in reversed(found)
            if j.state is not None
        )
