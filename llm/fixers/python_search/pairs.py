"""Pairs of edits, once no single one was enough: those first whose first half got the failing tests further."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from llm.fixers.python_search.edits import Edit, Source, parsed
from llm.fixers.python_search.locate import Suspicion
from llm.fixers.python_search.order import Proposal, proposals

_FURTHER, _OTHERWISE, _ALIKE, _WORSE, _KILLED = 6.0, 2.0, 1.0, 0.5, 0.3
_MOST_GROWN = 40
"""So many edits that changed something for the better are built upon; the rest is only combined."""
_MOST_COMBINED = 250
_SHARE = 0.5
"""Two coincidences are less likely than one: what a pair's promise is worth beside a single edit's."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a program comes: number and line of the first test that fails, and the exception's type."""

    at: int = 0
    line: int = 0
    error: str = ""
    killed: bool = False

    def worth(self, usual: Reach) -> float:
        """What a pair with an edit that comes so far gains over one whose edit changes nothing."""
        if (self.at, self.line) > (usual.at, usual.line):
            return _FURTHER
        if self.killed:
            return _KILLED
        if (self.at, self.line) < (usual.at, usual.line):
            return _WORSE
        return _ALIKE if self.error == usual.error else _OTHERWISE


@dataclass(frozen=True, slots=True)
class Tried:
    """A single edit that was judged, and its worth as the first of a pair."""

    proposal: Proposal
    worth: float

    @property
    def score(self) -> float:
        """Its promise as a half."""
        return self.proposal.score * self.worth


def pairs(sources: Mapping[str, Source], suspicion: Suspicion, tried: list[Tried]) -> Iterator[Proposal]:
    """Two edits of one file as one, most promising first; each text once."""
    best = sorted(tried, key=lambda t: -t.score)
    grown = [t for t in best if t.worth > _ALIKE][:_MOST_GROWN]
    streams = [_grown(sources[t.proposal.path], suspicion, t) for t in grown]
    built = heapq.merge(*streams, key=lambda p: -p.score)
    seen: set[tuple[str, int]] = set()
    for proposal in _taking_turns(built, _combined(sources, best[:_MOST_COMBINED])):
        key = proposal.path, hash(proposal.edit.apply(sources[proposal.path].text))
        if key not in seen:
            seen.add(key)
            yield proposal


def _taking_turns(*streams: Iterator[Proposal]) -> Iterator[Proposal]:
    """One of each in turn: which of the two ways is the better guess is not known."""
    going = list(streams)
    while going:
        for stream in tuple(going):
            proposal = next(stream, None)
            if proposal is None:
                going.remove(stream)
            else:
                yield proposal


def _grown(source: Source, suspicion: Suspicion, first: Tried) -> Iterator[Proposal]:
    """Every edit of the edited text."""
    edit, path = first.proposal.edit, source.path
    text = edit.apply(source.text)
    edited = parsed(path, text)
    if edited is None:
        return
    for second in proposals({path: edited}, {path: _moved(suspicion.get(path, {}), source.text, edit)}):
        whole = edit.then(second.edit, text)
        yield _pair(first.proposal, second, whole, _SHARE * first.score * second.score)


def _moved(lines: Mapping[int, float], text: str, edit: Edit) -> dict[int, float]:
    """The suspicion of each line after an edit; what it wrote is as suspicious as what stood there, or beside."""
    first, last = text.count("\n", 0, edit.start) + 1, text.count("\n", 0, edit.end) + 1
    longer = edit.text.count("\n") - text.count("\n", edit.start, edit.end)
    here = max((lines.get(n, 0.0) for n in range(first - 1, last + 2)), default=0.0)
    moved = {n if n < first else n + longer: score for n, score in lines.items() if not first <= n <= last}
    return moved | dict.fromkeys(range(first, last + longer + 1), here)


def _combined(sources: Mapping[str, Source], best: list[Tried]) -> Iterator[Proposal]:
    """Two edits of the unchanged text that do not touch each other."""
    tie = count()
    heap = [(-_promise(best, n, n + 1), next(tie), n, n + 1) for n in range(len(best) - 1)]
    heapq.heapify(heap)
    while heap:
        promise, _, one, two = heapq.heappop(heap)
        if two + 1 < len(best):
            heapq.heappush(heap, (-_promise(best, one, two + 1), next(tie), one, two + 1))
        first, second = sorted((best[one].proposal, best[two].proposal), key=lambda p: (p.edit.start, p.edit.end))
        if first.path == second.path and first.edit.end < second.edit.start:
            after = second.edit.apply(sources[first.path].text)
            yield _pair(first, second, second.edit.then(first.edit, after), -promise)


def _promise(best: list[Tried], one: int, two: int) -> float:
    return _SHARE * best[one].score * best[two].score


def _pair(first: Proposal, second: Proposal, edit: Edit, score: float) -> Proposal:
    template = f"{first.template} + {second.template}"
    return Proposal(first.path, edit, template, first.line, score)
