"""What the operations of one server share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from llm.ledger.home import open_figures, shares_file
from llm.ledger.trace_figures import TraceFigures
from llm.ledger.trace_within import Within
from llm.server.guard import Principal
from llm.server.jobs.desk import Desk
from llm.server.jobs.rows import Job
from llm.server.jobs.table import JobTable
from llm.server.keys import Keys
from llm.server.metrics import Metrics
from llm.server.problem import not_served
from llm.server.settings import Settings
from llm.workspace.snapshot import open_workspace, root_of


@dataclass(frozen=True, slots=True)
class Service:
    """Made once, before the server listens."""

    settings: Settings
    keys: Keys
    table: JobTable
    desk: Desk
    metrics: Metrics

    @classmethod
    def of(cls, settings: Settings) -> Service:
        """LedgerError where the job table cannot be had."""
        table = JobTable.of(settings.home, settings.env)
        metrics = Metrics(settings.home, settings.env)
        return cls(settings, Keys(settings.env), table, Desk(table, settings, metrics.note_end), metrics)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of the server's process, which its children share."""
        return self.settings.env

    def workspace(self, named: str | Path) -> Path:
        """A workspace that was asked for, resolved. Problem 403: it lies, or leads, under none of the roots, or is
        not there outside of them, which is all the same. WorkspaceError: it is not there, or is no directory."""
        place = self.settings.place(named)
        if not self.settings.contains(place):
            raise not_served()
        return open_workspace(place)

    def root(self, named: str | None) -> Path:
        """The root that the records of a workspace belong to; the server's own without one. As `workspace`."""
        return root_of(self.workspace(named)) if named is not None else self.settings.home

    def records(self, job: Job) -> Path:
        """The root that a job's records belong to. Problem 403: the job is of a server with other roots, and its
        workspace is under none of these; that a workspace is gone is no reason."""
        if not self.settings.serves(job.workspace, job.root):
            raise not_served()
        return Path(job.root)

    def among(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Those of them whose records may be looked at."""
        jobs = tuple(jobs)
        one_each = {(job.workspace, job.root) for job in jobs}
        shown = {place for place in one_each if self.settings.serves(*place)}
        return tuple(job for job in jobs if (job.workspace, job.root) in shown)

    def figures(self, root: Path) -> TraceFigures:
        """The traces at that root, as far as the server's roots go: others may keep theirs in the same file.
        LedgerError."""
        if self.settings.contains(root) and not shares_file(self.env):
            return open_figures(root, self.env)
        return open_figures(root, self.env, Within(self.settings.roots, self.table.bare(root)))


def service_of(request: Request) -> Service:
    """The server's, from any of its requests."""
    service: Service = request.app.state.service
    return service


def principal_of(request: Request) -> Principal:
    """Who asks."""
    principal: Principal = request.state.principal
    return principal


def address_of(request: Request) -> str:
    """Where from."""
    return request.client.host if request.client else ""
