"""The host's side of the warm process: one job in the sandbox that judges edits while this side makes them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from llm.checks.base import INSIDE
from llm.domain import CheckResult, TestStatus
from llm.fixers.python_search.interpreter import Launch
from llm.fixers.python_search.order import Proposal
from llm.sandbox.base import MIB, Completed, Job, Limits, Sandbox

_RUNNER = INSIDE / "torre_warm.py"
_OUTSTANDING = 24
"""Candidates that are under way at once: enough to keep the children busy, few enough to stop soon."""
_CANDIDATE_MEMORY = 512 * MIB
_OTHERS_S = 2.0
_OTHERS_COUNT = 200
_SLOW_S = (1.0, 5.0)
_REPORT_BYTES = 512 * MIB

Supply = Callable[[Mapping[str, Any]], Iterator[Proposal]]
"""The tests of the probe (id → result) → edits, most promising first."""


@dataclass(slots=True)
class Tally:
    """What the search has seen so far."""

    tried: int = 0
    plausible: int = 0
    killed: int = 0
    why_not: str = ""


def failing(result: CheckResult) -> tuple[str, ...]:
    """Ids of the tests that are red in a baseline."""
    red = (TestStatus.FAILED, TestStatus.ERROR)
    return tuple(t.id for t in result.tests or () if t.status in red)


def others_of(result: CheckResult) -> tuple[str, ...]:
    """Passing tests to run beside the failing ones: those of the same files first, within a second or two."""
    files = {_file_of(name) for name in failing(result)}
    passed = [t for t in result.tests or () if t.status is TestStatus.PASSED]
    passed.sort(key=lambda t: _file_of(t.id) not in files)
    chosen: list[str] = []
    left_s = _OTHERS_S
    for test in passed[:_OTHERS_COUNT]:
        left_s -= test.duration_s
        if left_s > 0:
            chosen.append(test.id)
    return tuple(chosen)


def _file_of(test_id: str) -> str:
    return test_id.split("::")[0] if "::" in test_id else test_id.rpartition(".")[0].rpartition(".")[0]


class Conversation:
    """Answers each report of the warm process with more candidates, and hands on the plausible ones.

    Used as `Job.on_report`, on one thread of the sandbox; `plausible()` is read on the caller's.
    """

    def __init__(self, supply: Supply) -> None:
        self.tally = Tally()
        self._supply = supply
        self._edits: Iterator[Proposal] | None = None
        self._sent: dict[int, Proposal] = {}
        self._late: dict[int, Proposal] = {}
        self._next_id = 0
        self._rest = b""
        self._found: SimpleQueue[Proposal | None] = SimpleQueue()

    def __call__(self, chunk: bytes) -> bytes | None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        answer = b"".join(self._take(_event(line)) for line in lines if line.strip())
        return answer or None

    def _take(self, event: Mapping[str, Any]) -> bytes:
        match event.get("event"):
            case "probe":
                self._edits = self._supply(event["tests"])
            case "ready":
                return self._more(_OUTSTANDING)
            case "give_up":
                self.tally.why_not = str(event.get("why", ""))
            case "verdict":
                self._note(event)
                return self._more(_OUTSTANDING - len(self._sent))
        return b""

    def _note(self, event: Mapping[str, Any]) -> None:
        number = event.get("id", -1)
        proposal = self._sent.pop(number, None)
        if proposal is None:
            proposal = self._late.pop(number, None)
        elif event.get("killed") == "timeout":
            self._late[number] = proposal
        self.tally.tried += 1
        self.tally.killed += "killed" in event
        if proposal is not None and event.get("passed") is True:
            self.tally.plausible += 1
            self._found.put(proposal)

    def _more(self, count: int) -> bytes:
        lines = []
        for _ in range(count):
            proposal = next(self._edits, None) if self._edits is not None else None
            if proposal is None:
                lines += [b'{"stop": true}\n'] if not self._sent else []
                break
            self._sent[self._next_id] = proposal
            edit = proposal.edit
            message = {"id": self._next_id, "path": proposal.path, "edits": [[edit.start, edit.end, edit.text]]}
            lines.append(json.dumps(message).encode() + b"\n")
            self._next_id += 1
        return b"".join(lines)

    def end(self) -> None:
        """No more will be found."""
        self._found.put(None)

    def plausible(self, wait_s: float) -> Proposal | None:
        """The next plausible edit. `queue.Empty` while there is none yet, None once there are no more."""
        return self._found.get(timeout=wait_s)


def _event(line: bytes) -> Mapping[str, Any]:
    """A report line; the workspace's code runs in there, so that anything may come."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def job_for(
    launch: Launch,
    result: CheckResult,
    workspace: Path,
    sources: Mapping[str, str],
    budget_s: float,
    talk: Conversation,
    cancel: threading.Event,
) -> Job:
    """The warm job for one red check."""
    longest = max((t.duration_s for t in result.tests or () if t.status is TestStatus.PASSED), default=0.0)
    directory = workspace / result.check.directory
    settings = {
        "framework": launch.framework,
        "args": list(launch.args),
        "root": str(workspace),
        "sys_path": [str(directory)] if launch.adds_directory else [str(Path(launch.python[0]).parent)],
        "targets": list(failing(result)),
        "others": list(others_of(result)),
        "sources": dict(sources),
        "slow_s": min(max(20 * longest, _SLOW_S[0]), _SLOW_S[1]),
        "probe_s": budget_s,
        "memory_bytes": _CANDIDATE_MEMORY,
        "workers": os.cpu_count() or 1,
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
        finally:
            talk.end()

    thread = threading.Thread(target=run, name="python search", daemon=True)
    thread.start()
    return thread


def _last_words(completed: Completed) -> str:
    lines = completed.stderr.decode(errors="replace").strip().splitlines()
    return completed.killed or (lines[-1] if lines else "the warm process ended without a verdict")
