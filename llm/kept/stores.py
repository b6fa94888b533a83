"""The stores of a project, opened to be looked at: what is not there is None, and is not made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llm.errors import InputError

if TYPE_CHECKING:
    from llm.ledger.base import QuotaStore, Standing
    from llm.ledger.trace_rows import StoredRun
    from llm.ledger.traces import TraceStore


def root_at(path: str) -> Path:
    """The root that the policy, ledger and traces of this path belong to. WorkspaceError."""
    from llm.workspace.snapshot import open_workspace, root_of

    return root_of(open_workspace(Path(path)))


@contextmanager
def kept_traces(root: Path, env: Mapping[str, str]) -> Iterator[TraceStore | None]:
    """The traces; None where no run was ever kept. LedgerError."""
    from llm.ledger.home import has_traces, open_traces

    if not has_traces(root, env):
        yield None
        return
    with closing(open_traces(root, env)) as store:
        yield store


def story_of(store: TraceStore | None, root: Path, wanted: str) -> StoredRun:
    """The run whose id begins so, or the `last` one. InputError."""
    if store is None:
        raise InputError("trace", f"no run was kept in {root}")
    newest = store.runs(1) if wanted == "last" else ()
    return store.run(newest[0].trace_id if newest else wanted)


@contextmanager
def kept_ledger(root: Path, env: Mapping[str, str]) -> Iterator[QuotaStore | None]:
    """The ledger; None where nothing was ever counted. LedgerError."""
    from llm.ledger.home import has_ledger, open_store

    if not has_ledger(root, env):
        yield None
        return
    with closing(open_store(root, env)) as store:
        yield store


def standings(root: Path, env: Mapping[str, str], timezone: str) -> Mapping[str, Standing]:
    """Where the lanes stand. LedgerError."""
    with kept_ledger(root, env) as store:
        return store.standing(timezone) if store else {}
