"""Search over single edits of Python code, proven by the failing tests in a warm process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from queue import Empty
from typing import Any

from llm.domain import Candidate, CheckResult
from llm.fixers.base import RedState
from llm.fixers.python_search import order, warm
from llm.fixers.python_search.edits import candidate_of, parsed
from llm.fixers.python_search.interpreter import Launch, launch_of
from llm.fixers.python_search.locate import is_test_file, suspicion

_MOST = 15
_TICK_S = 0.05
_TELL_EVERY_S = 2.0
_BEST_PRIOR = 0.5


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

    def propose(self, red: RedState) -> Iterator[Candidate]:
        """Plausible single edits (target tests pass, nothing else in the run fails), about best first."""
        for result in filter(_searchable, red.baseline):
            launch = launch_of(result.check, red.sandbox)
            if launch is None:
                red.progress(f"search: cannot tell how `{result.check.command}` starts Python")
            elif red.remaining_s() > 0 and not red.cancel.is_set():
                yield from _search(red, result, launch)


def _searchable(result: CheckResult) -> bool:
    return result.check.tool in ("pytest", "unittest") and not result.green and not result.not_run


def _search(red: RedState, result: CheckResult, launch: Launch) -> Iterator[Candidate]:
    texts = {path: text for path, text in red.files.items() if path.endswith(".py") and not is_test_file(path)}

    def supply(tests: Mapping[str, Any]) -> Iterator[order.Proposal]:
        found = suspicion(tests)
        sources = {path: source for path in found if path in texts and (source := parsed(path, texts[path]))}
        return order.proposals(sources, found)

    talk, stop = warm.Conversation(supply), threading.Event()
    job = warm.job_for(launch, result, red.workspace, texts, max(red.remaining_s(), 1.0), talk, stop)
    thread = warm.converse(red.sandbox, job, talk)
    try:
        for number, proposal in enumerate(_plausible(red, talk), 1):
            yield _candidate(proposal, texts[proposal.path])
            if number >= _MOST:
                break
    finally:
        stop.set()
        thread.join()
    red.progress(_summary(talk.tally, red))


def _plausible(red: RedState, talk: warm.Conversation) -> Iterator[order.Proposal]:
    """Plausible edits as they are found, until time is up, nobody wants more, or there are no more."""
    told = time.monotonic()
    while red.remaining_s() > 0 and not red.cancel.is_set():
        try:
            proposal = talk.plausible(_TICK_S)
        except Empty:
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                red.progress(_summary(talk.tally, red))
            continue
        if proposal is None:
            return
        yield proposal


def _candidate(proposal: order.Proposal, text: str) -> Candidate:
    origin = f"search: {proposal.template} ({proposal.path}:{proposal.line})"
    return candidate_of(proposal.path, text, proposal.edit.apply(text), origin, _BEST_PRIOR * proposal.score)


def _summary(tally: warm.Tally, red: RedState) -> str:
    if tally.why_not:
        return f"search: nothing tried: {tally.why_not}"
    left = max(red.remaining_s(), 0.0)
    return f"search: {tally.tried} candidates tried, {tally.plausible} plausible, {left:.0f} s left"


FIXER: Search = Search()
