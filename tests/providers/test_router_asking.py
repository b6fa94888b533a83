"""Several lanes asked at once: concurrently, each failing alone, and called off together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier, Event

import pytest

from llm.domain import LaneChoice, RouteDecision, Skipped, SkipReason, Stage
from llm.errors import LedgerError
from llm.ledger.base import Amount, Caps, Claim, Grant
from llm.ledger.sqlite import SqliteStore
from llm.providers.attempts import REFUSED, REJECTED_EDIT, Failure, exit_code, fingerprint
from llm.providers.base import Answer, Call, Cause
from llm.providers.lane import Asked, Lane
from llm.providers.question import Question
from llm.providers.router import ProvidersRouter, ask_all, wire_of
from tests.providers.scripted import LANE, MODEL, Desk, ScriptedWire, Step, failure

FILES = {"app.py": "def double(n):\n    return n + 1\n"}
QUESTION = Question({"tests": "E   assert 5 == 8"}, FILES)
FIX = Answer("app.py\n```python\ndef double(n):\n    return n * 2\n```\n", 10, 10)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def asks(desk: Desk, cancel: Event, *scripts: Step) -> list[Callable[[], Asked]]:
    """One ask of each of some lanes with a wire of its own."""
    terms = desk.terms()
    return [partial(Lane(MODEL, ScriptedWire(script), terms).ask, QUESTION, cancel=cancel) for script in scripts]


def called_off(call: Call, _on_text: Callable[[str], None]) -> Answer:
    assert call.cancel is not None
    assert call.cancel.wait(20)
    raise failure(Cause.CANCELLED, tokens_in=100)


def test_all_are_asked_at_the_same_time(desk: Desk) -> None:
    together = Barrier(4)

    def meet(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        together.wait(20)
        return FIX

    answered = list(ask_all(asks(desk, Event(), meet, meet, meet, meet), Event()))
    assert [asked.failure for asked in answered] == [None] * 4


def test_who_is_first_is_heard_first_and_a_failure_is_its_own(desk: Desk) -> None:
    under_way, first_heard = Event(), Event()

    def late(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        under_way.set()
        assert first_heard.wait(20)
        return FIX

    def fail(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        assert under_way.wait(20)  # what it brings on the lane would stop the other before it is sent
        raise failure(Cause.AUTH)

    answers = ask_all(asks(desk, Event(), late, fail), Event())
    first = next(answers)
    first_heard.set()
    assert first.failure is not None
    assert first.failure.reason == "auth"
    assert [asked.candidate is not None for asked in answers] == [True]


def test_who_stops_listening_calls_the_others_off_and_they_settle(desk: Desk) -> None:
    cancel = Event()
    with closing(ask_all(asks(desk, cancel, FIX, called_off, called_off), cancel)) as answers:
        assert next(answers).candidate is not None
    assert cancel.is_set()
    assert desk.held() == Amount()
    assert sorted(row.cause for row in desk.rows) == ["cancelled", "cancelled", "ok"]


def test_the_real_wire_lets_go_at_once(desk: Desk) -> None:
    script = desk.folder / "answers.json"
    rows = [{"model": "slow", "text": "x", "delay_s": 50}, {"model": "quick", "text": FIX.text}]
    script.write_text(json.dumps(rows))
    cancel, terms = Event(), desk.terms()
    models = [replace(MODEL, model=name, base_url=f"replay://{script}") for name in ("slow", "quick")]
    jobs = [partial(Lane(model, wire_of("replay"), terms).ask, QUESTION, cancel=cancel) for model in models]
    began = time.monotonic()
    with closing(ask_all(jobs, cancel)) as answers:
        assert next(answers).candidate is not None
    assert time.monotonic() - began < 5
    assert sorted(row.cause for row in desk.rows) == ["cancelled", "ok"]
    assert desk.held() == Amount()


def test_hearing_everybody_out_calls_nothing_off(desk: Desk) -> None:
    cancel = Event()
    assert len(list(ask_all(asks(desk, cancel, FIX, FIX), cancel))) == 2
    assert not cancel.is_set()
    assert list(ask_all([], cancel)) == []


def test_a_ledger_that_is_gone_ends_the_run_and_calls_the_others_off(desk: Desk) -> None:
    class Gone(SqliteStore):
        def settle(self, grant: Grant, tokens: int, usd_micros: int | None, answered: bool = False) -> None:
            raise LedgerError("gone")

    cancel = Event()
    store = Gone(desk.folder / "ledger.sqlite", clock=desk.clock)
    desk.opened.append(store)
    dying = Lane(MODEL, ScriptedWire(FIX), desk.terms(store=store))
    jobs: list[Callable[[], Asked]] = [
        partial(dying.ask, QUESTION, cancel=cancel),
        *asks(desk, cancel, called_off),
    ]
    with pytest.raises(LedgerError, match="gone"):
        list(ask_all(jobs, cancel))
    assert [row.cause for row in desk.rows] == ["cancelled"]


def test_the_next_lane_of_the_rule_stands_in_for_one_that_is_full(tmp_path: Path) -> None:
    """Full in the eyes of another process, and the decision says so."""
    env = {"HOME": str(tmp_path), "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "PROVIDERS_V1": "1"}
    (tmp_path / ".torre").mkdir()
    (tmp_path / ".torre" / "providers.yaml").write_text("quotas: { anthropic/claude-3.5: { daily_calls: 1 } }\n")
    router = ProvidersRouter(tmp_path, env)
    assert router.route(Stage.TYPES).providers == ("anthropic/claude-3.5", "openai/gpt-4o")
    with closing(SqliteStore(tmp_path / "elsewhere.sqlite")) as store:
        store.reserve(Claim("anthropic/claude-3.5", "another run", 1, 1, Caps()))
        decision = router.route(Stage.TYPES, store=store)
    assert decision.providers == ("openai/gpt-4o",)
    assert [(s.reason, s.detail) for s in decision.skipped] == [(SkipReason.QUOTA, "daily_calls")]


def test_a_lane_that_is_not_allowed_is_not_even_opened(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / ".torre").mkdir()
    (tmp_path / ".torre" / "providers.yaml").write_text("allowed: [openai/gpt-4o]\n")
    opened: list[str] = []

    def open_wire(protocol: str) -> ScriptedWire:
        opened.append(protocol)
        return ScriptedWire(FIX)

    router = ProvidersRouter(tmp_path, {"HOME": str(tmp_path)}, open_wire)
    forged = RouteDecision(Stage.TYPES, "given:types", (LaneChoice("anthropic/claude-3.5", "because"),))
    assert router.lanes(forged, desk.terms()) == ()
    assert opened == []


CAPPED = Failure(LANE, REFUSED, "", "daily_calls")
COOLING = Failure(LANE, REFUSED, "", "cooldown")
DOWN, RUBBISH = Failure(LANE, "server", ""), Failure(LANE, REJECTED_EDIT, "")
FULL, KEYLESS = Skipped(LANE, SkipReason.QUOTA), Skipped(LANE, SkipReason.NO_CREDENTIALS)


@pytest.mark.parametrize(
    ("skipped", "failures", "candidates", "code"),
    [
        ([], [], 1, 1),
        ([FULL], [DOWN], 1, 1),
        ([FULL], [], 0, 4),
        ([], [CAPPED], 0, 4),
        ([FULL], [DOWN], 0, 4),
        ([FULL], [RUBBISH], 0, 3),
        ([], [DOWN, RUBBISH], 0, 3),
        ([KEYLESS], [DOWN], 0, 3),
        ([KEYLESS], [], 0, 1),
        ([], [COOLING], 0, 1),
    ],
)
def test_the_exit_code_of_a_run_that_stays_red(
    skipped: list[Skipped], failures: list[Failure], candidates: int, code: int
) -> None:
    assert exit_code(skipped, failures, candidates) == code


def test_a_failure_is_known_again_in_any_order_and_at_any_address() -> None:
    one = fingerprint(["pytest:a.py::test_a", "mypy:b.py:misc:<object at 0x7f3a>"])
    assert one == fingerprint(["mypy:b.py:misc:<object at 0x81>", "pytest:a.py::test_a", "pytest:a.py::test_a"])
    assert one != fingerprint(["pytest:a.py::test_a"])
    assert len(one) == 16
