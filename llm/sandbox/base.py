"""What a sandbox backend offers: open it once a run on one workspace, execute many jobs in it, concurrently.

Every job sees a private, writable view of the workspace at the workspace's own absolute path; nothing that a
job writes outlives it, and nothing but the exit code and the capped pipes leaves it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from llm.domain import Isolation

MIB = 1 << 20
_A_THIRD_OF_MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 3
"""Two jobs side by side then leave the machine something to live on."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one job: seconds of wall time, bytes (memory, each output stream, the writable layer), counts."""

    wall_s: float = 300.0
    output_bytes: int = MIB
    report_bytes: int = 64 * MIB
    memory_bytes: int = min(4096 * MIB, _A_THIRD_OF_MEMORY)
    disk_bytes: int = 2048 * MIB
    inodes: int = 200_000
    processes: int = 512


@dataclass(frozen=True, slots=True)
class Job:
    """One command. `argv[0]` is looked up on the sandbox's PATH.

    `directory` is relative to the workspace. `files` are written into the private view before the start
    (relative path → content, None deletes; never through a symlink; existing modes are kept, and
    `executable` names new files that get the x bit). `env` is added to an environment built from nothing.
    The job may write a report to the path in its environment variable `TORRE_REPORT` (a pipe: open it for
    writing, once or many times). `stdin` is what it reads. `cancel`, once set, kills it. `on_report` gets
    each chunk of the report as it arrives (on another thread) and may return bytes that are sent to the
    job's stdin, which then stays open: a conversation with a long-lived job.
    """

    argv: tuple[str, ...]
    directory: str = "."
    files: Mapping[str, bytes | None] = field(default_factory=dict)
    executable: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    limits: Limits = Limits()
    cancel: Event | None = None
    on_report: Callable[[bytes], bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """How a job ended. `exit_code` is None when it was killed; `killed` says by what:
    "", `timeout`, `oom`, `output`, `cancelled`, `signal N`. Streams are raw and capped."""

    exit_code: int | None
    duration_s: float
    stdout: bytes = b""
    stderr: bytes = b""
    report: bytes = b""
    killed: str = ""


class Sandbox(Protocol):
    """One workspace, opened. Thread-safe: jobs run side by side."""

    @property
    def isolation(self) -> Isolation:
        """How strong it is; stored with every verdict."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What of `full` this sandbox lacks, in words for the report."""

    def execute(self, job: Job) -> Completed:
        """Run a job to its end. Raises SandboxError if the sandbox itself breaks, never for a failing job."""

    def find(self, program: str, directory: str = ".") -> str | None:
        """Absolute path at which a job would find a program (the workspace's own first), or None."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a backend works here: run for real, not guessed from a version."""

    name: str
    isolation: Isolation
    problem: str = ""
    remedy: str = ""
    gives: Isolation = Isolation.FULL
    """Where nothing is missing."""
    purpose: str = ""
    """When this backend is the one that is needed, if that is not always."""


class Backend(Protocol):
    """A module in `sandbox/backends/` with a `BACKEND` object. Lower `rank` is tried first, of those that give
    what is asked for; `gives` is the isolation where nothing is missing, `purpose` when it is needed."""

    name: str
    rank: int
    gives: Isolation
    purpose: str

    def probe(self) -> Probe:
        """Run the real launcher once; cached by kernel, tool version and sysctls."""

    def open(self, workspace: Path, binds: Iterable[Path] = ()) -> AbstractContextManager[Sandbox]:
        """A sandbox over `workspace` (absolute). `binds` are further host paths that jobs may read."""
