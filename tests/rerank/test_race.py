"""Candidates race: what cannot win is stopped, what may still win is awaited, verdicts reach the source."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from threading import Event

import pytest

from llm.domain import Candidate, DiscardReason, Evaluation
from llm.rerank.race import MORE_COUNT, Race


def candidate(name: str, prior: float = 0.5) -> Candidate:
    return Candidate(diff=name, prior=prior)


class Bench:
    """Verdicts by name: `pass` and `fail` at once, `slow` passes after a second unless it is stopped."""

    def __init__(self) -> None:
        self.stopped: list[str] = []
        self.running = 0
        self.most = 0

    def __call__(self, made: Candidate, index: int, stop: Event) -> Evaluation:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return self._judge(made, index, stop)
        finally:
            self.running -= 1

    def _judge(self, made: Candidate, index: int, stop: Event) -> Evaluation:
        if made.diff.startswith("slow") and stop.wait(1.0):
            self.stopped.append(made.diff)
            return Evaluation(made, index, reason=DiscardReason.CANCELLED)
        if made.diff.startswith("fail"):
            time.sleep(0.02)
            return Evaluation(made, index, reason=DiscardReason.CHECKS_RED)
        return Evaluation(made, index)


def test_a_weaker_candidate_is_stopped_once_a_stronger_passed() -> None:
    bench = Bench()
    done = Race(bench, 2).run(iter([candidate("slow-weak", 0.3), candidate("pass", 0.9)]), Event())
    assert bench.stopped == ["slow-weak"]
    assert {e.candidate.diff: e.passed for e in done} == {"slow-weak": False, "pass": True}


def test_an_equal_candidate_that_runs_is_awaited() -> None:
    bench = Bench()
    done = Race(bench, 2).run(iter([candidate("slow-equal"), candidate("pass")]), Event())
    assert bench.stopped == [] and all(e.passed for e in done)


def test_nothing_is_drawn_after_a_pass() -> None:
    drawn: list[str] = []
    enough = Event()

    def source() -> Iterator[Candidate]:
        for name in ("pass", "fail-1", "fail-2", "fail-3", "fail-4", "fail-5"):
            drawn.append(name)
            yield candidate(name, 0.9)
            enough.wait(30)

    Race(Bench(), 2).run(source(), enough)
    assert len(drawn) < 4


def test_a_source_that_thinks_hears_that_it_is_enough() -> None:
    enough = Event()

    def source() -> Iterator[Candidate]:
        yield candidate("pass")
        assert enough.wait(5), "the pass was not told while the source was thinking"

    assert len(Race(Bench(), 2).run(source(), enough)) == 1


def test_verdicts_are_sent_to_the_generator() -> None:
    heard: list[Evaluation] = []

    def source() -> Generator[Candidate, Evaluation | None, None]:
        for number in range(6):
            verdict = yield candidate(f"fail-{number}")
            if verdict is not None:
                heard.append(verdict)

    Race(Bench(), 2).run(source(), Event())
    assert [e.reason for e in heard] == [DiscardReason.CHECKS_RED] * len(heard) and len(heard) >= 3


def test_at_most_width_run_at_once() -> None:
    bench = Bench()
    done = Race(bench, 2).run((candidate(f"fail-{n}") for n in range(20)), Event())
    assert len(done) == 20 and bench.most == 2


def test_the_deadline_cancels_what_runs() -> None:
    bench = Bench()
    started = time.monotonic()
    done = Race(bench, 2).run(iter([candidate("slow-a"), candidate("slow-b")]), Event(), started + 0.1)
    assert time.monotonic() - started < 0.9
    assert [e.reason for e in done] == [DiscardReason.CANCELLED] * 2


def test_an_error_in_the_source_stops_what_runs() -> None:
    bench = Bench()

    def source() -> Iterator[Candidate]:
        yield candidate("slow-a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Race(bench, 2).run(source(), Event())
    assert bench.stopped == ["slow-a"]


def test_after_a_guess_passed_others_are_looked_for_until_enough_passed() -> None:
    drawn: list[str] = []

    def source() -> Iterator[Candidate]:
        for number in range(30):
            drawn.append(f"pass-{number}")
            yield candidate(drawn[-1], 0.5 - number / 100)

    done = Race(Bench(), 2).run(source(), Event())
    assert MORE_COUNT <= sum(e.passed for e in done) <= MORE_COUNT + 3
    assert len(drawn) < 15
