"""A job as the table keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """`DONE` has a result, `FAILED` a failure. `INTERRUPTED`: the server ended while the job was going on."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED, State.INTERRUPTED})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done: the arguments of `torre` and what it reads. `id` is a run's trace id. `workspace` is
    resolved, "" for files alone; `root` is where its records are. `attended`: nobody wants it once whoever waits
    for it is gone, so that it is not taken up again after a restart."""

    id: str
    kind: str
    key: str
    workspace: str
    root: str
    argv: tuple[str, ...]
    payload: bytes
    attended: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. `result` is JSON as the command gave it, `failure` a problem."""

    state: State
    result: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One row. Times are seconds since the epoch. `number` counts the jobs in the order they were accepted.
    `result` and `failure` are only there where one job was asked for."""

    number: int
    id: str
    kind: str
    key: str
    workspace: str
    root: str
    state: State
    created: float
    started: float | None
    ended: float | None
    mode: str
    exit_code: int | None
    summary: str
    result: Mapping[str, Any] | None = None
    failure: Mapping[str, Any] | None = None
