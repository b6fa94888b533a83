"""Search over edits of JavaScript and TypeScript, proven by the failing tests of node:test, vitest or jest.

The search runs in node inside the sandbox (`llm/inside/torre_js/search.cjs`): it localises, edits and filters
there, and names plausible edits as it finds them. What is plausible there is a proposal still: the check's own
command judges it afterwards like any other candidate.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from llm.checks.base import INSIDE
from llm.checks.command import parse
from llm.checks.javascript import FAILING, framework_of, test_files
from llm.checks.reading import records
from llm.domain import Candidate, CheckResult, TestStatus
from llm.domain.kinds import EMPTY
from llm.errors import SandboxError
from llm.fixers._tool import complaint, diff_of
from llm.fixers.base import Proposals, RedState
from llm.sandbox.base import MIB, Completed, Job, Limits
from llm.sandbox.toolchain import typescript_home

_SCRIPT = INSIDE / "torre_js" / "search.cjs"
_TEST_FILE = re.compile(r"(^|/)(tests?|__tests__)/[^.].*\.[cm]?[jt]sx?$|[.-](test|spec)\.[cm]?[jt]sx?$")
_MOST = 15
_MOST_OTHERS = 20
_WORKER_MEMORY = 512 * MIB
_REPORT_BYTES = 64 * MIB
_BEST_PRIOR = 0.5
_UNJUDGED = 0.5
"""The share of its prior that a candidate keeps which no test has judged yet."""
_OWN_SHARE = 0.95
"""It ends a little before its time does, to name the best for some of the failing tests."""
_LOAD_S = 20.0
_TICK_S = 0.05
_TELL_EVERY_S = 2.0
_LINGER_S, _LINGER_TRIED, _COMPANY = 6.0, 1500, 3


class JavaScriptSearch:
    """Looks for an edit that turns failing tests of a JavaScript or TypeScript workspace green."""

    name = "js_search"
    rank = 61

    def wants(self, red: RedState) -> bool:
        """A red check whose tests are node's, vitest's or jest's."""
        return any(_framework(red, result) for result in red.baseline)

    def missing(self, red: RedState) -> str:
        """Starts node for a moment to see whether a TypeScript can be loaded: its parser reads JavaScript too."""
        if red.sandbox.find("node") is None:
            return "node, to search in JavaScript: install Node.js 18 or later"
        done = red.sandbox.execute(_job({"directory": ".", "budgetMs": 0}, _LOAD_S))
        said = list(records(done.report))
        if any("typescript" in line for line in said):
            return ""
        why = next((line["missing"] for line in said if "missing" in line), complaint(done))
        return f"{why}, to search in JavaScript: torre setup typescript"

    def propose(self, red: RedState) -> Proposals:
        """Plausible edits, about best first; where the tests cannot run in one process, the likeliest edits."""
        for result in red.baseline:
            framework = _framework(red, result)
            if framework and red.remaining_s() > 0 and not red.cancel.is_set():
                yield from _search(red, result, framework)


@dataclass(slots=True)
class _Talk:
    """What the search says: candidates as they come, and how far it is. Fed on one thread, read on another."""

    found: SimpleQueue[Mapping[str, Any] | None]
    begun: bytes = b""
    tried: int = 0
    plausible: int = 0
    why: str = ""
    broken: SandboxError | None = None

    def __call__(self, chunk: bytes) -> None:
        ended, _, self.begun = (self.begun + chunk).rpartition(b"\n")
        for line in records(ended):
            self._take(line)

    def _take(self, line: Mapping[str, Any]) -> None:
        if isinstance(line.get("candidate"), dict):
            self.found.put(line["candidate"])
        if isinstance(line.get("tried"), int) and isinstance(line.get("plausible"), int):
            self.tried, self.plausible = line["tried"], line["plausible"]
        self.why = str(line.get("straight") or line.get("end") or line.get("missing") or self.why)

    def summary(self, red: RedState) -> str:
        """One line for people."""
        left = max(red.remaining_s(), 0.0)
        why = f" ({self.why})" if self.why else ""
        return f"js_search: {self.tried} candidates tried, {self.plausible} plausible, {left:.0f} s left{why}"


def _framework(red: RedState, result: CheckResult) -> str:
    return "" if result.green or result.not_run else framework_of(result, red.files.get)


def _search(red: RedState, result: CheckResult, framework: str) -> Proposals:
    budget_s = max(red.remaining_s(), 1.0)
    talk, stop = _Talk(SimpleQueue()), threading.Event()
    command = parse(result.check.command)
    settings = _settings(red, result, framework, budget_s)
    job = _job(settings, budget_s + _LOAD_S, command.env if command else {}, talk, stop)
    thread = threading.Thread(target=_converse, args=(red, job, talk), name="js search", daemon=True)
    thread.start()
    try:
        for said in _heard(red, talk, time.monotonic() + budget_s):
            candidate = _candidate(red, said)
            if candidate is not None:
                yield candidate
    finally:
        stop.set()
        thread.join()
        red.progress(talk.summary(red))


def _settings(red: RedState, result: CheckResult, framework: str, budget_s: float) -> Mapping[str, Any]:
    tests = test_files(result, *FAILING) or [path for path in red.files if _TEST_FILE.search(path)]
    others = [path for path in test_files(result, TestStatus.PASSED) if path not in tests]
    return {
        "framework": framework,
        "directory": result.check.directory,
        "tests": tests,
        "targets": {t.id: t.message for t in result.tests or () if t.status in FAILING},
        "others": others[:_MOST_OTHERS],
        "budgetMs": round(_OWN_SHARE * budget_s * 1000),
        "most": _MOST,
        "workers": min(os.cpu_count() or 1, 2),
        "memoryMb": _WORKER_MEMORY // MIB,
    }


def _job(
    settings: Mapping[str, Any],
    wall_s: float,
    env: Mapping[str, str] = EMPTY,
    talk: _Talk | None = None,
    cancel: threading.Event | None = None,
) -> Job:
    return Job(
        argv=("node", str(_SCRIPT)),
        env={**env, "TORRE_TYPESCRIPT": str(typescript_home())},
        stdin=json.dumps(settings).encode() + b"\n",
        limits=Limits(wall_s=wall_s, report_bytes=_REPORT_BYTES),
        on_report=talk,
        cancel=cancel,
    )


def _converse(red: RedState, job: Job, talk: _Talk) -> None:
    """Run the job to its end; the listener learns that it ended, and why if it found nothing to do."""
    try:
        completed = red.sandbox.execute(job)
        if completed.exit_code != 0 and completed.killed != "cancelled":
            talk.why = talk.why or _last_words(completed)
    except SandboxError as error:
        talk.broken = error
    finally:
        talk.found.put(None)


def _last_words(completed: Completed) -> str:
    lines = completed.stderr.decode(errors="replace").strip().splitlines()
    return completed.killed or (lines[0] if lines else "it ended without a word")


def _heard(red: RedState, talk: _Talk, deadline: float) -> Iterator[Mapping[str, Any]]:
    """What the search names, until time is up, nobody wants more, or there are no more.

    The first waits a little for others: whether candidates agree can only be seen where there are several.
    """
    waiting: list[Mapping[str, Any]] = []
    patience = _Patience()
    told = time.monotonic()
    while time.monotonic() < deadline and red.remaining_s() > 0 and not red.cancel.is_set():
        if waiting and (len(waiting) >= _COMPANY or patience.ends(talk.tried)):
            yield waiting.pop(0)
            continue
        try:
            said = talk.found.get(timeout=_TICK_S)
        except Empty:
            told = _tell(red, talk, told)
            continue
        if said is None:
            if talk.broken:
                raise talk.broken
            break
        patience.begin(talk.tried)
        waiting.append(said)
    yield from waiting


@dataclass(slots=True)
class _Patience:
    """How long the first candidate waits for others: while some more are tried, but not for long."""

    tried: int | None = None
    until: float = 0.0

    def begin(self, tried: int) -> None:
        """A candidate was named after so many were tried; only the first counts."""
        if self.tried is None:
            self.tried, self.until = tried, time.monotonic() + _LINGER_S

    def ends(self, tried: int) -> bool:
        """Whether enough were tried since, or too much time has gone."""
        return self.tried is not None and (tried - self.tried >= _LINGER_TRIED or time.monotonic() > self.until)


def _tell(red: RedState, talk: _Talk, told: float) -> float:
    """Say now and then how far it is; when that was last done."""
    if time.monotonic() - told < _TELL_EVERY_S:
        return told
    red.progress(talk.summary(red))
    return time.monotonic()


def _candidate(red: RedState, said: Mapping[str, Any]) -> Candidate | None:
    """A candidate as it was named. The workspace's code runs beside the search, so that anything may come."""
    try:
        texts = {str(path): str(text) for path, text in said["files"].items() if path in red.files}
        template, path, line = str(said["template"]), str(said["path"]), int(said["line"])
        score, judged = min(max(float(said["score"]), 0.0), 1.0), said["judged"] is True
    except (KeyError, TypeError, ValueError, AttributeError):
        red.progress("js_search: an answer that cannot be read was left out")
        return None
    diff = diff_of(red, texts)
    prior = _BEST_PRIOR * score * (1.0 if judged else _UNJUDGED)
    return Candidate(diff=diff, origin=f"js_search: {template} ({path}:{line})", prior=prior) if diff else None


FIXER = JavaScriptSearch()
