"""Search over edits of Python code, single ones and then pairs, proven by the failing tests in a warm process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from queue import Empty
from typing import Any

from llm.checks.python import Launch, failing, launch_of
from llm.domain import Candidate, CheckResult, Evaluation
from llm.fixers.base import Proposals, RedState
from llm.fixers.python_search import order, pairs, warm
from llm.fixers.python_search.edits import candidate_of, parsed
from llm.fixers.python_search.ingredients import Words, words_of
from llm.fixers.python_search.locate import is_test_file, suspicion, with_imported

_MOST = 15
_MOST_OF_A_GROUP = 5
_MOST_GROUPS = 10
_MOST_TRIED = 100_000
_SETTLING_S = 0.2
_TOGETHER = 8
_TICK_S = 0.05
_TELL_EVERY_S = 2.0
_BEST_PRIOR = 0.5
_PATIENCE = {1: 20, 20: 400}
"""An edit that ran out of time may take that many times longer: soon, if it came further than the unchanged
program does, else once all single ones were tried. One that still comes further gets the most: the first few that
come to the last of the failing tests at once, the others then."""
_MOST_PATIENT, _PATIENT_EVERY, _MOST_LONGEST = 12, 50, 3


class Search:
    """Looks for an edit that turns failing pytest or unittest tests green."""

    name = "search"
    rank = 60

    def wants(self, red: RedState) -> bool:
        """A red pytest or unittest check."""
        return any(_searchable(result) for result in red.baseline)

    def missing(self, red: RedState) -> str:
        """Nothing: it needs only the workspace's own interpreter."""
        return ""

    def propose(self, red: RedState) -> Proposals:
        """Plausible single edits (target tests pass, nothing else in the run fails), about best first."""
        for result in filter(_searchable, red.baseline):
            launch = launch_of(result.check, red.sandbox)
            if launch is None:
                red.progress(f"search: cannot tell how `{result.check.command}` starts Python")
            elif red.remaining_s() > 0 and not red.cancel.is_set():
                yield from _search(red, result, launch)


def _searchable(result: CheckResult) -> bool:
    return result.check.tool in ("pytest", "unittest") and not result.green and not result.not_run


def _search(red: RedState, result: CheckResult, launch: Launch) -> Proposals:
    """One edit for all failing tests; where none does it the faults may be several: then for fewer at a time."""
    texts = {path: text for path, text in red.files.items() if path.endswith(".py") and not is_test_file(path)}
    targets = failing(result)
    hunt = _Hunt(red, result, launch, texts, targets)
    share = 1 if len(targets) == 1 else 2
    yield from hunt.run(red.remaining_s() / share, _MOST)
    if hunt.found:
        return
    groups = _fewer(hunt.executed)
    for left, group in zip(range(len(groups), 0, -1), groups, strict=True):
        hunt = _Hunt(red, result, launch, texts, group)
        yield from hunt.run(red.remaining_s() / left, _MOST_OF_A_GROUP)
        if hunt.helped or red.cancel.is_set() or red.remaining_s() <= 0:
            return


def _fewer(executed: Mapping[str, frozenset[str]]) -> list[tuple[str, ...]]:
    """Failing tests by the files that they execute, then one by one."""
    together: dict[frozenset[str], list[str]] = {}
    for test, files in executed.items():
        together.setdefault(files, []).append(test)
    clusters = [tuple(tests) for tests in together.values()] if len(together) > 1 else []
    alone = [(test,) for test in executed] if len(executed) > 1 else []
    return list(dict.fromkeys([*clusters, *alone]))[:_MOST_GROUPS]


class _Hunt:
    """One warm process that looks for an edit after which all of some failing tests pass.

    Afterwards: how many edits it `found`, whether the checks found that one `helped` (heard late, so that False
    says little), and the files that each failing test `executed`.
    """

    def __init__(
        self,
        red: RedState,
        result: CheckResult,
        launch: Launch,
        texts: Mapping[str, str],
        targets: tuple[str, ...],
    ) -> None:
        self._red = red
        self._result = result
        self._launch = launch
        self._texts = texts
        self._targets = targets
        self._talk: warm.Conversation
        self._tried: list[pairs.Tried] = []
        self._late: list[order.Proposal] = []
        self._soon: deque[order.Proposal] = deque()
        self._longest = 0
        self.executed: dict[str, frozenset[str]] = {}
        self.found = 0
        self.helped = False

    def run(self, budget_s: float, most: int) -> Proposals:
        """At most that many plausible edits, within the time."""
        red, stop = self._red, threading.Event()
        talk = self._talk = warm.Conversation(self._supply, self._texts, self._heard)
        deadline = time.monotonic() + max(budget_s, 1.0)
        job = warm.job_for(
            self._launch, self._result, red.workspace, self._targets, max(budget_s, 1.0), talk, stop
        )
        thread = warm.converse(red.sandbox, job, talk)
        try:
            for proposal in islice(_plausible(red, talk, deadline), most):
                self.found += 1
                verdict = yield _candidate(proposal, self._texts[proposal.path])
                self.helped |= verdict is not None and _is_progress(verdict)
        finally:
            stop.set()
            thread.join()
        red.progress(_summary(talk.tally, red))

    def _supply(self, tests: Mapping[str, Any]) -> Iterator[order.Proposal | None]:
        """Single edits; then once more those that ran out of time; and pairs, where none was found."""
        found = suspicion(tests)
        self.executed = _executed(tests, self._texts)
        traced = [files for files in self.executed.values() if files]  # a test may do all in another process
        shared = frozenset.intersection(*traced) if traced else frozenset(self._texts)
        found = with_imported(found, self._talk.imported, shared)
        read = ((path, parsed(path, self._texts[path])) for path in found if path in shared)
        sources = {path: source for path, source in read if source}
        for proposal in order.proposals(sources, found, self._words(tests)):
            while self._soon:
                yield self._soon.popleft()
            yield proposal
        yield None
        patient = iter(sorted(self._late, key=lambda p: -p.score)[:_MOST_PATIENT])
        if not self._talk.tally.plausible:
            for number, pair in enumerate(pairs.pairs(sources, found, self._tried)):
                if number % _PATIENT_EVERY == 0:
                    yield from islice(patient, 1)
                yield pair
        yield from patient
        yield from self._soon

    def _words(self, tests: Mapping[str, Any]) -> Words:
        judges = {path for test in tests.values() for path in test.get("lines", {}) if is_test_file(path)}
        texts = (self._red.files[path] for path in sorted(judges) if path in self._red.files)
        return words_of(texts, self.executed, (d.message for d in self._result.diagnostics))

    def _heard(self, proposal: order.Proposal, reach: pairs.Reach, usual: pairs.Reach) -> None:
        self._tried.append(pairs.Tried(proposal, reach.worth(usual)))
        came_further = (reach.at, reach.line) > (usual.at, usual.line)
        first = proposal.patience == 1
        if reach.killed and proposal.patience in _PATIENCE and (first or came_further):
            again = replace(proposal, patience=_PATIENCE[proposal.patience])
            to_the_last = not first and reach.at + 1 >= self._talk.targets and self._longest < _MOST_LONGEST
            self._longest += to_the_last
            (self._soon if came_further and (first or to_the_last) else self._late).append(again)


def _executed(tests: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The files that each failing test executed, of those that may be edited."""
    return {
        name: frozenset(path for path in test.get("lines", {}) if path in texts)
        for name, test in tests.items()
        if test["status"] in ("failed", "error")
    }


def _is_progress(verdict: Evaluation) -> bool:
    return bool(verdict.fail_to_pass) and not verdict.newly_failing and not verdict.missing


def _plausible(red: RedState, talk: warm.Conversation, deadline: float) -> Iterator[order.Proposal]:
    """Plausible edits as they are found, until time is up, nobody wants more, or there are no more."""
    began = told = time.monotonic()
    under_way = False
    found: list[order.Proposal] | None = []
    while (
        found is not None
        and time.monotonic() < deadline
        and talk.tally.tried < _MOST_TRIED
        and red.remaining_s() > 0
        and not red.cancel.is_set()
    ):
        found = _together(talk)
        if talk.tally.sent and not under_way:
            under_way = True
            red.progress(f"search: first candidate under evaluation after {talk.tally.sent - began:.2f} s")
        if not found and time.monotonic() - told > _TELL_EVERY_S:
            told = time.monotonic()
            red.progress(_summary(talk.tally, red))
        yield from found or ()


def _together(talk: warm.Conversation) -> list[order.Proposal] | None:
    """What was found at about the same time, best first; [] where nothing was yet, None where nothing will be.

    Verdicts do not come in the order of promise: for more promising ones that are still out it waits a moment.
    """
    found: list[order.Proposal] = []
    until = 0.0
    while len(found) < _TOGETHER:
        try:
            proposal = talk.plausible(_TICK_S if not found else _TICK_S / 5)
        except Empty:
            if not found or time.monotonic() > until:
                break
        else:
            if proposal is None:
                talk.end()  # heard once more by whoever asks next
                return sorted(found, key=_promise) or None
            found.append(proposal)
            until = until or time.monotonic() + _SETTLING_S
        if found and talk.awaited <= min(each.score for each in found):
            break
    return sorted(found, key=_promise)


def _promise(proposal: order.Proposal) -> float:
    return -proposal.score


def _candidate(proposal: order.Proposal, text: str) -> Candidate:
    origin = f"search: {proposal.template} ({proposal.path}:{proposal.line})"
    return candidate_of(
        proposal.path, text, proposal.edit.apply(text), origin, _BEST_PRIOR * min(proposal.score, 1.0)
    )


def _summary(tally: warm.Tally, red: RedState) -> str:
    if tally.why_not:
        return f"search: nothing tried: {tally.why_not}"
    left = max(red.remaining_s(), 0.0)
    return f"search: {tally.tried} candidates tried, {tally.plausible} plausible, {left:.0f} s left"


FIXER: Search = Search()
