"""Evaluate candidates concurrently while they are still being made, and stop what cannot win any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count
from threading import Event, Timer

from llm.domain import Candidate, Evaluation
from llm.rerank.select import is_guess, prior_tier

Examine = Callable[[Candidate, int, Event], Evaluation]
Told = Callable[[Evaluation], None]

MORE_S = 3.0
MORE_COUNT = 8
"""After a first guess passed, others are looked for this long or until so many passed: to see if they agree."""


class Race:
    """One race among the proposals of one source. `numbers` gives each candidate its index in the run."""

    def __init__(self, examine: Examine, width: int, numbers: Iterator[int] | None = None) -> None:
        self._examine = examine
        self._width = width
        self._numbers = numbers if numbers is not None else count()
        self._stops: dict[Future[Evaluation], tuple[Event, int]] = {}
        self._won: int | None = None  # the best prior tier that has passed
        self._passed = 0
        self._timer: Timer | None = None

    def run(
        self,
        proposals: Iterator[Candidate],
        enough: Event,
        deadline: float | None = None,
        told: Told = lambda _: None,
    ) -> list[Evaluation]:
        """All verdicts, in the order in which they came.

        `enough` is set once a candidate passed, so that a source that is still thinking can stop; if it is a mere
        guess, a little later. `deadline` is a monotonic time after which everything that runs is cancelled. `told`
        hears each verdict at once.
        """
        done: list[Evaluation] = []
        with ThreadPoolExecutor(self._width) as pool:
            try:
                for candidate in _draw(proposals, done, enough):
                    self._submit(pool, candidate, enough)
                    self._collect(done, told, room=self._width - 1, deadline=deadline)
                self._collect(done, told, room=0, deadline=deadline)
            except BaseException:
                self._cancel(lambda tier: True)  # an interrupt must not wait for what nobody will read
                raise
            finally:
                if self._timer is not None:
                    self._timer.cancel()
        return done

    def _submit(self, pool: ThreadPoolExecutor, candidate: Candidate, enough: Event) -> None:
        stop, tier = Event(), prior_tier(candidate.prior)
        future = pool.submit(self._examine, candidate, next(self._numbers), stop)
        self._stops[future] = (stop, tier)
        future.add_done_callback(lambda f: self._note_pass(f, enough))

    def _collect(self, done: list[Evaluation], told: Told, room: int, deadline: float | None) -> None:
        """Take finished verdicts until at most `room` are running."""
        while True:
            late = deadline is not None and time.monotonic() >= deadline
            if late:
                self._cancel(lambda tier: True)
            block = len(self._stops) > room
            pending = tuple(self._stops)
            patience = None if deadline is None or late else max(0.0, deadline - time.monotonic())
            finished, _ = wait(pending, patience if block else 0, FIRST_COMPLETED) if pending else (set(), set())
            for future in sorted(finished, key=pending.index):
                self._take(future, done, told)
            if len(self._stops) <= room:
                return

    def _take(self, future: Future[Evaluation], done: list[Evaluation], told: Told) -> None:
        _, tier = self._stops.pop(future)
        evaluation = future.result()
        done.append(evaluation)
        told(evaluation)
        if evaluation.passed and not is_guess(evaluation):
            best = self._won = tier if self._won is None else max(self._won, tier)
            self._cancel(lambda other: other < best)

    def _note_pass(self, future: Future[Evaluation], enough: Event) -> None:
        if future.cancelled() or future.exception() is not None or not future.result().passed:
            return
        self._passed += 1
        if not is_guess(future.result()) or self._passed >= MORE_COUNT:
            enough.set()
        elif self._timer is None:
            self._timer = Timer(MORE_S, enough.set)
            self._timer.daemon = True
            self._timer.start()

    def _cancel(self, loses: Callable[[int], bool]) -> None:
        for stop, tier in self._stops.values():
            if loses(tier):
                stop.set()


def _draw(proposals: Iterator[Candidate], done: list[Evaluation], enough: Event) -> Iterator[Candidate]:
    """Candidates until one has passed; a generator is sent each verdict that it has not heard yet."""
    heard = 0
    try:
        candidate = next(proposals)
        while not enough.is_set():
            yield candidate
            if isinstance(proposals, Generator):
                verdict = done[heard] if heard < len(done) else None
                heard += verdict is not None
                candidate = proposals.send(verdict)
            else:
                candidate = next(proposals)
    except StopIteration:
        return
    finally:
        if isinstance(proposals, Generator):
            proposals.close()
