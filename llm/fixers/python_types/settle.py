"""From a checker's complaints to none: ways of answering them, tried one after the other with the checker.

A best-first search over states of the workspace: those with the fewest complaints first, then the likelier. All
first answers together are tried before any alone, so that fifty complaints of one kind are one trial.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from llm.domain import Diagnostic
from llm.fixers.base import RedState
from llm.fixers.python_types import contents, conversion, leftovers, narrowing, signatures, widening
from llm.fixers.python_types.code import Code, Point, Way
from llm.fixers.python_types.merge import merged
from llm.fixers.python_types.trials import Complaints, Trials

_RULES = tuple(
    (re.compile(pattern, re.S), rule)
    for module in (leftovers, widening, contents, narrowing, conversion, signatures)
    for pattern, rule in module.RULES
)
_MOST_WORSE = 3
_MOST_STEPS = 8


@dataclass(slots=True)
class State:
    """Texts changed so far, what is still complained of, and the ways not tried yet from here."""

    texts: Mapping[str, str]
    complaints: Complaints
    steps: tuple[str, ...] = ()
    prior: float = 1.0
    ways: Iterator[Way] = field(default_factory=lambda: iter(()))

    @property
    def green(self) -> bool:
        return not self.complaints


class Settling:
    """The search on one red check. `best` is the furthest state that it came to."""

    def __init__(self, red: RedState, trials: Trials) -> None:
        self._trials = trials
        self._code = Code(red.files, {})
        self._order = count()
        self._seen: set[tuple[tuple[str, str], ...]] = set()
        self._tolerated: Counter[str] = Counter()
        self.tried = 0
        self.best: State | None = None

    def run(self, known: Complaints) -> Iterator[State]:
        """Green states as they are found. `known` is what the check itself complains of at the start."""
        first = self._trials.run({})
        if first is None:
            return
        self._tolerated = Counter(d.key for d in first) - Counter(d.key for d in known)
        start = self._state({}, self._less(first))
        if start.green:
            return
        queue: list[tuple[float, float, int, State]] = []
        self._push(queue, start)
        for together in self._together(start):
            self._push(queue, together)
            if together.green:
                yield together
        while queue and not self._trials.over:
            state = heapq.heappop(queue)[-1]
            way = next(state.ways, None)
            if way is None:
                continue
            self._push(queue, state)
            reached = self._take(state, (way,))
            if reached is None or not _moves(state, reached):
                continue
            if reached.green:
                yield reached
            elif len(reached.steps) < _MOST_STEPS:
                self._push(queue, reached)

    def _push(self, queue: list[tuple[float, float, int, State]], state: State) -> None:
        if not state.green:
            heapq.heappush(queue, (len(state.complaints), -state.prior, next(self._order), state))
        if self.best is None or len(state.complaints) < len(self.best.complaints):
            self.best = state

    def _together(self, start: State) -> Iterator[State]:
        """The state after the first way of every complaint, as far as they do not touch one another."""
        if len(start.complaints) < 2:
            return
        firsts = [way for d in start.complaints if (way := next(iter(self._ways_of(start, d)), None))]
        if len(firsts) > 1:
            reached = self._take(start, firsts)
            if reached is not None and len(reached.complaints) < len(start.complaints):
                yield reached

    def _state(
        self, texts: Mapping[str, str], complaints: Complaints, steps: tuple[str, ...] = (), prior: float = 1.0
    ) -> State:
        state = State(texts, complaints, steps, prior)
        state.ways = self._ways(state)
        return state

    def _ways(self, state: State) -> Iterator[Way]:
        """The ways of the first complaint that has any, then of the next."""
        for diagnostic in dict.fromkeys(state.complaints):
            yield from self._ways_of(state, diagnostic)

    def _ways_of(self, state: State, diagnostic: Diagnostic) -> list[Way]:
        code = self._code.with_texts(state.texts)
        source = code.source(diagnostic.path)
        if source is None:
            return []

        def ask(way: Way) -> Complaints | None:
            texts = self._edited(state, (way,))
            return self._trials.run(texts) if texts is not None else None

        point = Point(code, source, diagnostic, state.complaints, ask)
        found = (
            way
            for pattern, rule in _RULES
            for match in [pattern.search(diagnostic.message)]
            if match
            for way in rule(point, {key: value or "" for key, value in match.groupdict().items()})
        )
        return sorted(found, key=lambda way: -way.prior)

    def _take(self, state: State, ways: Sequence[Way]) -> State | None:
        """The state after these ways; None where it is no program, or was seen, or the checker breaks on it."""
        texts = self._edited(state, ways)
        if texts is None or (key := tuple(sorted(texts.items()))) in self._seen:
            return None
        self._seen.add(key)
        self.tried += 1
        complaints = self._trials.run(texts)
        if complaints is None or any(d.code == "syntax" for d in complaints):
            return None
        prior = min([state.prior, *(way.prior for way in ways)])
        steps = (*state.steps, *dict.fromkeys(way.said for way in ways))
        return self._state(texts, self._less(complaints), steps, prior)

    def _less(self, complaints: Complaints) -> Complaints:
        """Without those that the check itself does not make."""
        tolerated = Counter(self._tolerated)
        left = []
        for diagnostic in complaints:
            if tolerated[diagnostic.key] > 0:
                tolerated[diagnostic.key] -= 1
            else:
                left.append(diagnostic)
        return tuple(left)

    def _edited(self, state: State, ways: Sequence[Way]) -> Mapping[str, str] | None:
        return merged(self._code.texts, state.texts, ways)


def _moves(state: State, reached: State) -> bool:
    """Whether a step changed what is complained of, and not much for the worse."""
    old, new = Counter(d.key for d in state.complaints), Counter(d.key for d in reached.complaints)
    return old != new and new.total() <= old.total() + _MOST_WORSE
