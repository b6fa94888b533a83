"""The host's side of the warm process: one job in the sandbox that judges edits while this side makes them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from llm.checks.base import INSIDE
from llm.checks.python import Launch, others_of
from llm.domain import CheckResult, TestStatus
from llm.errors import SandboxError
from llm.fixers.python_search.order import Proposal
from llm.fixers.python_search.pairs import Reach
from llm.sandbox.base import MIB, Completed, Job, Limits, Sandbox

_RUNNER = INSIDE / "torre_warm.py"
_OUTSTANDING = 320
"""Candidates that are under way at once: enough to keep the children busy, few enough to stop soon."""
_CANDIDATE_MEMORY = 512 * MIB
_SLOW_S = (0.4, 5.0)
_REPORT_BYTES = 128 * MIB
_LINE_BYTES = 32 * MIB
"""A longer line of the report is skipped. The probe of a large workspace has a few megabytes."""

Supply = Callable[[Mapping[str, Any]], Iterator[Proposal | None]]
"""The tests of the probe (id → result) → edits, most promising first; None: hear what became of all so far."""

Heard = Callable[[Proposal, Reach, Reach], None]
"""Hears of each edit that did not pass: how far it came, and how far the unchanged program comes."""


@dataclass(slots=True)
class Tally:
    """What the search has seen so far. `sent`: the monotonic time at which the first edit was, or 0."""

    sent: float = 0.0
    tried: int = 0
    plausible: int = 0
    killed: int = 0
    why_not: str = ""


class _Lines:
    """Chunks in, whole lines out; of a line that is too long nothing is kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk ends."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._keep(part)
            if self._size <= self._most_bytes:
                yield b"".join(self._begun)
            self._begun, self._size = [], 0
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._most_bytes:
            self._begun = []
        else:
            self._begun.append(part)


class Conversation:
    """Answers each report of the warm process with more candidates, and hands on the plausible ones.

    `targets`: how many tests fail there, known once it is ready.

    `imported` are the lines that ran outside of tests (path → lines), known from the probe on. Used as
    `Job.on_report`, on one thread of the sandbox; `plausible()` and `awaited`, the promise of the edit that is out
    for longest, are read on the caller's. `texts` are the sources
    that edits are for; each is sent before its first edit, so that most of a workspace never is.
    """

    def __init__(
        self, supply: Supply, texts: Mapping[str, str], heard: Heard = lambda proposal, reach, usual: None
    ) -> None:
        self.tally = Tally()
        self.awaited = 0.0
        self.targets = 0
        self.imported: Mapping[str, list[int]] = {}
        self._supply = supply
        self._heard = heard
        self._unsent = dict(texts)
        self._edits: Iterator[Proposal | None] = iter(())
        self._usual = Reach()
        self._sent: dict[int, Proposal] = {}
        self._next_id = 0
        self._holding = False
        self._lines = _Lines(_LINE_BYTES)
        self._found: SimpleQueue[Proposal | None] = SimpleQueue()
        self.broken: SandboxError | None = None

    def __call__(self, chunk: bytes) -> bytes | None:
        return b"".join(self._take(_event(line)) for line in self._lines.feed(chunk)) or None

    def _take(self, event: Mapping[str, Any]) -> bytes:
        match event.get("event"):
            case "probe":
                self.imported = event.get("imported", {})
                self._edits = self._supply(event["tests"])
            case "ready":
                self._usual, self.targets = _reach(event.get("usual", {})), _count(event.get("targets"))
                return self._more()
            case "give_up":
                self.tally.why_not = str(event.get("why", ""))
            case "verdicts":
                for verdict in event["verdicts"]:
                    self._note(verdict)
                more = self._more()
                self.awaited = next((proposal.score for proposal in self._sent.values()), 0.0)
                return more
        return b""

    def _note(self, verdict: Mapping[str, Any]) -> None:
        proposal = self._sent.pop(verdict.get("id", -1), None)
        self.tally.tried += 1
        self.tally.killed += bool(verdict.get("killed"))
        if proposal is None:
            return
        if verdict.get("passed") is True:
            self.tally.plausible += 1
            self._found.put(proposal)
        else:
            self._heard(proposal, _reach(verdict), self._usual)

    def _more(self) -> bytes:
        lines: list[Mapping[str, Any]] = []
        while len(self._sent) < _OUTSTANDING and not (self._holding and self._sent):
            self._holding = False
            try:
                proposal = next(self._edits)
            except StopIteration:
                lines += [] if self._sent else self._stop()
                break
            if proposal is None:
                self._holding = True
            else:
                lines += self._messages(proposal)
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def _messages(self, proposal: Proposal) -> Iterator[Mapping[str, Any]]:
        path, edit = proposal.path, proposal.edit
        if path in self._unsent:
            yield {"path": path, "source": self._unsent.pop(path)}
        message = {"id": self._next_id, "path": path, "edits": [[edit.start, edit.end, edit.text]]}
        yield message if proposal.patience == 1 else message | {"patience": proposal.patience}
        self._sent[self._next_id] = proposal
        self._next_id += 1
        self.tally.sent = self.tally.sent or time.monotonic()

    def _stop(self) -> list[Mapping[str, Any]]:
        if not self._next_id:
            self.tally.why_not = "there is no edit to try"
        return [{"stop": True}]

    def end(self) -> None:
        """No more will be found."""
        self._found.put(None)

    def plausible(self, wait_s: float) -> Proposal | None:
        """The next plausible edit. `queue.Empty` while there is none yet, None once there are no more.
        SandboxError if that is because the sandbox broke."""
        found = self._found.get(timeout=wait_s)
        if found is None and self.broken:
            raise self.broken
        return found


def _reach(told: Mapping[str, Any]) -> Reach:
    at, line = _count(told.get("at")), _count(told.get("line"))
    return Reach(at, line, str(told.get("error", "")), told.get("killed") == "timeout")


def _count(told: object) -> int:
    return told if isinstance(told, int) else 0


def _event(line: bytes) -> Mapping[str, Any]:
    """A report line; the workspace's code runs in there, so that anything may come."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def job_for(
    launch: Launch,
    result: CheckResult,
    workspace: Path,
    targets: tuple[str, ...],
    budget_s: float,
    talk: Conversation,
    cancel: threading.Event,
) -> Job:
    """The warm job for these failing tests of one red check (none named: for all that it finds)."""
    longest = max((t.duration_s for t in result.tests or () if t.status is TestStatus.PASSED), default=0.0)
    directory = workspace / result.check.directory
    settings = {
        "framework": launch.framework,
        "args": list(launch.args),
        "root": str(workspace),
        "sys_path": [str(directory)] if launch.adds_directory else [str(Path(launch.python[0]).parent)],
        "targets": list(targets),
        "others": list(others_of(result)),
        "slow_s": min(max(20 * longest, _SLOW_S[0]), _SLOW_S[1]),
        "probe_s": budget_s,
        "memory_bytes": _CANDIDATE_MEMORY,
        "workers": len(os.sched_getaffinity(0)),
    }
    return Job(
        argv=(*launch.python, str(_RUNNER)),
        directory=result.check.directory,
        env={"PYTHONHASHSEED": "0", **launch.env},
        stdin=json.dumps(settings).encode() + b"\n",
        limits=Limits(wall_s=budget_s, report_bytes=_REPORT_BYTES),
        cancel=cancel,
        on_report=talk,
    )


def converse(sandbox: Sandbox, job: Job, talk: Conversation) -> threading.Thread:
    """Start the job on a thread of its own; `talk` is told when it ends."""

    def run() -> None:
        try:
            completed = sandbox.execute(job)
            if not talk.tally.tried and not talk.tally.why_not:
                talk.tally.why_not = _last_words(completed)
        except SandboxError as error:
            talk.broken = error
        finally:
            talk.end()

    thread = threading.Thread(target=run, name="python search", daemon=True)
    thread.start()
    return thread


def _last_words(completed: Completed) -> str:
    lines = completed.stderr.decode(errors="replace").strip().splitlines()
    return completed.killed or (lines[-1] if lines else "the warm process ended without a verdict")
