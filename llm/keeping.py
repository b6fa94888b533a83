"""Keep the story of a run in the trace store, beside the line-by-line record.

Where lanes may be asked, no trace means no call: every attempt is kept before its answer is used. A run of the
embedded fixers alone goes on without a trace, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llm.budget import Budget
from llm.domain import RepairRequest, Run, Stage
from llm.errors import LedgerError
from llm.generate import Numbers
from llm.ledger.home import open_traces
from llm.ledger.record import Record
from llm.ledger.sharing import PER_JOB, REMEDY, caps_are_per_job
from llm.ledger.traces import TraceStore
from llm.providers.credentials import configured_keys
from llm.providers.router import ProvidersRouter
from llm.report.story import ending_of
from llm.triage.stage import triage

if TYPE_CHECKING:
    from llm.escalate import Escalation


class Keeper:
    """One run's place in the store; `store` is None where none could be had and none is needed."""

    def __init__(
        self, store: TraceStore | None, router: ProvidersRouter, env: Mapping[str, str], record: Record
    ) -> None:
        self._store = store
        self._router = router
        self._env = env
        self._record = record
        self.notes = (f"{PER_JOB}; {REMEDY}",) if self._asks and caps_are_per_job(env) else ()

    @property
    def _asks(self) -> bool:
        return self._store is not None and self._router.policy.enabled(self._env)

    def begin(
        self, request: RepairRequest, workspace: Path, budget: Budget, numbers: Numbers
    ) -> Escalation | None:
        """The run is there, and counts as interrupted until it has finished. The lanes, if they are opted in."""
        if self._store is None:
            return None
        place = str(workspace) if request.workspace is not None else ""  # or it is gone when the run is over
        self._store.begin(request.trace_id, place, self._router.policy.hash)
        if not self._asks:
            return None
        from llm.escalate import Escalation

        lanes = Escalation(request, self._router, self._env, self._store, self._record, budget, numbers)
        lanes.warm([triage(request.logs).stage] if request.logs else Stage)
        return lanes

    def finish(self, run: Run) -> None:
        """The whole story, before the answer is given."""
        if self._store:
            keys = configured_keys(self._router.policy.models.values(), self._env)
            self._store.finish(run.request.trace_id, ending_of(run, keys))


@contextmanager
def keep(router: ProvidersRouter, env: Mapping[str, str], record: Record) -> Iterator[Keeper]:
    """A keeper for one run. LedgerError where the store cannot be had although lanes may be asked."""
    try:
        store = open_traces(router.root, env)
    except LedgerError as error:
        if router.policy.enabled(env):
            raise
        record.emit("progress", line=f"no trace of this run is kept: {error}")
        yield Keeper(None, router, env, record)
        return
    with closing(store):
        yield Keeper(store, router, env, record)
