"""A type checker in one sandbox job, asked again and again over changed files with its cache warm."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from llm.checks.base import INSIDE, Instrumented, Tool
from llm.checks.command import parse
from llm.checks.python import python_in
from llm.checks.reading import from_text, records
from llm.checks.recognise import tool_of
from llm.domain import CheckResult, Diagnostic
from llm.fixers.base import RedState
from llm.sandbox.base import Completed, Job, Limits

_RUNNER = INSIDE / "torre_trials.py"
_TICK_S = 0.05
_GRACE_S = 5.0
_TELLING = {"mypy": ("--warn-unreachable",)}
"""So that a guard which makes the complaint's own code unreachable shows as a new complaint."""

Complaints = tuple[Diagnostic, ...]


class Trials:
    """One check's command, kept ready. A context manager; `run` is for one thread."""

    def __init__(self, red: RedState, result: CheckResult) -> None:
        self._red = red
        self._result = result
        self._tool, self._how, env = _command(result)
        self._asked: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
        self._answers: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._rest = b""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, args=(env,), name="type trials", daemon=True)

    def __enter__(self) -> Trials:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asked.put({"stop": True})
        self._stop.set()
        self._thread.join()

    @property
    def over(self) -> bool:
        """Whether nothing more can be asked, or nobody wants to know."""
        return self._red.cancel.is_set() or self._red.remaining_s() <= 0 or not self._thread.is_alive()

    def run(self, texts: Mapping[str, str]) -> Complaints | None:
        """What the checker complains of with these files changed; () for green, None where it gave no answer."""
        self._asked.put({"files": dict(texts)})
        while not self._red.cancel.is_set() and self._red.remaining_s() > 0:
            try:
                answer = self._answers.get(timeout=_TICK_S)
            except Empty:
                continue
            return self._read(answer) if answer is not None else None
        return None

    def _read(self, answer: Mapping[str, Any]) -> Complaints | None:
        code, out, err = answer.get("exit"), str(answer.get("out", "")), str(answer.get("err", ""))
        if code == 0:
            return ()
        check = self._result.check
        report = out.encode() if self._how.to_report else b""
        completed = Completed(code, 0.0, out.encode(), err.encode(), report)
        if self._tool is None:
            found: Iterable[Diagnostic] = from_text(completed, self._red.workspace, check.directory)
        else:
            found = self._tool.read(completed, self._red.workspace, check.directory).diagnostics
        return tuple(d for d in found if d.severity == "error") or None

    def _work(self, env: Mapping[str, str]) -> None:
        check = self._result.check
        settings = {"argv": list(self._how.argv), "root": str(self._red.workspace)}
        job = Job(
            argv=(python_in(check.directory, self._red.sandbox) or "python3", str(_RUNNER)),
            directory=check.directory,
            env={**env, **self._how.env},
            stdin=json.dumps(settings).encode() + b"\n",
            limits=Limits(wall_s=max(1.0, self._red.remaining_s()) + _GRACE_S),
            cancel=self._stop,
            on_report=self._converse,
        )
        try:
            self._red.sandbox.execute(job)
        finally:
            self._answers.put(None)

    def _converse(self, chunk: bytes) -> bytes | None:
        """An answer in, the next question out: this waits for it, on the sandbox's own thread."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        sent = b""
        for answer in records(b"\n".join(lines)):
            if not answer.get("ready"):
                self._answers.put(answer)
            sent += self._next()
        return sent

    def _next(self) -> bytes:
        while not self._stop.is_set():
            try:
                return json.dumps(self._asked.get(timeout=_TICK_S)).encode() + b"\n"
            except Empty:
                continue
        return b""


def _command(result: CheckResult) -> tuple[Tool | None, Instrumented, Mapping[str, str]]:
    """What runs for a check: its tool's structured form, or the line as it was written."""
    command = parse(result.check.command)
    tool = tool_of(command)
    if command is None or tool is None:
        return None, Instrumented(("sh", "-c", result.check.command)), {}
    how = tool.instrument(command.argv)
    return tool, replace(how, argv=(*how.argv, *_TELLING.get(tool.name, ()))), command.env
