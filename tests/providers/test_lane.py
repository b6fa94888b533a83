"""One lane asked: the candidate it gives, what is repeated and what never, and what the record says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from llm.domain import Usage
from llm.ledger.base import Amount
from llm.providers.attempts import LaneRefused
from llm.providers.base import Answer, Call, Cause, Image, Provider, ProviderFailure, ProviderRequest
from llm.providers.lane import Asked, Lane
from llm.providers.policy_file import Quota
from llm.providers.prompt import Feedback
from llm.providers.question import Question, images_of
from llm.workspace.patch import apply
from tests.providers.scripted import KEY, LANE, MODEL, NO_CAPS, Desk, ScriptedWire, Step, failure

FILES = {"app.py": "def double(n):\n    return n + 1\n"}
FIXED = "def double(n):\n    return n * 2\n"
WHOLE = f"app.py\n```python\n{FIXED}```\n"
PROSE = "I cannot see anything wrong with it."


LOGS = {"tests": "E   assert 5 == 8"}
QUESTION = Question(LOGS, FILES, images=(Image("image/png", b"png"),), literals=(KEY,))


def said(text: str, tokens_in: int = 100, tokens_out: int = 20) -> Answer:
    return Answer(text, tokens_in, tokens_out)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def opened(desk: Desk, *script: Step, quota: Quota = NO_CAPS, retries: int = 1) -> tuple[Lane, ScriptedWire]:
    wire = ScriptedWire(*script)
    return Lane(MODEL, wire, desk.terms(quota, retries=retries)), wire


def reason(asked: Asked) -> str:
    assert asked.candidate is None
    assert asked.failure is not None
    return asked.failure.reason


def causes(desk: Desk) -> list[str]:
    return [row.cause for row in desk.rows]


def test_an_answer_becomes_a_candidate_whose_diff_applies(desk: Desk, tmp_path: Path) -> None:
    lane, wire = opened(desk, said(WHOLE))
    asked = lane.ask(QUESTION)
    assert asked.candidate is not None
    (tmp_path / "app.py").write_text(FILES["app.py"])
    assert apply(asked.candidate.diff, tmp_path) == {"app.py": FIXED.encode()}
    assert asked.candidate.provider == LANE
    assert asked.candidate.usage == replace(asked.usage, latency_ms=asked.candidate.usage.latency_ms)
    assert asked.candidate.meta["attempt"] == desk.rows[0].number
    assert asked.candidate.meta["format"] == "whole"
    assert (asked.answer, asked.failure) == (WHOLE, None)
    (call,) = wire.calls
    assert (call.api_key, call.model, call.cancel) == (KEY, "coder-2", None)
    assert FILES["app.py"] in call.messages[0].text


def test_the_row_is_kept_before_the_answer_is_used(desk: Desk) -> None:
    class Full(Exception):
        pass

    def full(_row: object) -> None:
        raise Full

    with pytest.raises(Full):
        Lane(MODEL, ScriptedWire(said(WHOLE)), replace(desk.terms(), on_attempt=full)).ask(QUESTION)


def test_an_answer_that_is_no_edit_is_asked_for_once_more_in_another_style(desk: Desk) -> None:
    lane, wire = opened(desk, said(PROSE), said(WHOLE, 200, 30))
    asked = lane.ask(QUESTION)
    assert asked.candidate is not None
    first, second = wire.calls
    assert [m.role for m in second.messages] == ["user", "assistant", "user"]
    assert first.messages[0].text != second.messages[0].text
    assert second.messages[1].text == PROSE
    assert "no edit" in second.messages[2].text
    assert asked.usage == Usage(300, 50, asked.usage.latency_ms, 300 * 2 + 50 * 10)
    assert asked.attempts == (1, 2)
    assert desk.used() == Amount(2, 350, 1100)
    assert [(row.cause, row.verdict) for row in desk.rows] == [("ok", "invalid_diff"), ("ok", "")]
    assert desk.rows[0].format != desk.rows[1].format


def test_two_answers_without_an_edit_are_enough(desk: Desk) -> None:
    lane, wire = opened(desk, said(PROSE))
    asked = lane.ask(QUESTION)
    assert reason(asked) == "rejected_edit"
    assert len(wire.calls) == 2
    assert asked.answer == PROSE


def test_each_repetition_has_a_reservation_of_its_own(desk: Desk) -> None:
    lane, wire = opened(desk, said(PROSE), said(WHOLE), quota=Quota(daily_calls=1))
    asked = lane.ask(QUESTION)
    assert reason(asked) == "refused"
    assert asked.failure is not None
    assert asked.failure.bucket == "daily_calls"
    assert len(wire.calls) == 1
    assert causes(desk) == ["ok", "daily_calls"]


@pytest.mark.parametrize(
    "raised",
    [
        failure(Cause.HARD_QUOTA, status=429),
        failure(Cause.HARD_QUOTA, status=402),
        failure(Cause.AUTH, status=401),
        failure(Cause.RATE_LIMIT, status=429),
        failure(Cause.BAD_REQUEST, status=400),
        failure(Cause.SERVER, status=503, retry_after_s=3.0),
        failure(Cause.TRUNCATED),
        failure(Cause.MALFORMED),
        failure(Cause.EMPTY),
        failure(Cause.TOO_LARGE),
        failure(Cause.CANCELLED),
    ],
)
def test_what_asking_again_cannot_change_is_asked_once(desk: Desk, raised: ProviderFailure) -> None:
    lane, wire = opened(desk, raised, retries=5)
    assert reason(lane.ask(QUESTION)) == raised.cause.value
    assert len(wire.calls) == 1
    assert (desk.pauses, causes(desk)) == ([], [raised.cause.value])


@pytest.mark.parametrize("cause", [Cause.SERVER, Cause.TIMEOUT, Cause.UNREACHABLE])
def test_what_may_pass_is_asked_once_more_after_a_pause(desk: Desk, cause: Cause) -> None:
    lane, wire = opened(desk, failure(cause), said(WHOLE))
    assert lane.ask(QUESTION).candidate is not None
    assert len(wire.calls) == 2
    assert len(desk.pauses) == 1
    assert desk.pauses[0] > 0
    assert causes(desk) == [cause.value, "ok"]


def test_the_repetitions_are_bounded_for_the_whole_candidate(desk: Desk) -> None:
    lane, wire = opened(desk, failure(Cause.SERVER), said(PROSE), failure(Cause.SERVER), said(WHOLE))
    assert reason(lane.ask(QUESTION)) == "server"
    assert len(wire.calls) == 3


def test_pauses_differ_by_the_jitter(desk: Desk) -> None:
    pauses: list[float] = []

    def wait(seconds: float, _cancel: Event | None) -> None:
        pauses.append(seconds)

    for draw in (0.0, 0.99):
        terms = replace(desk.terms(), pause=wait, jitter=partial(float, draw))
        Lane(MODEL, ScriptedWire(failure(Cause.TIMEOUT)), terms).ask(QUESTION)
    assert pauses[0] < pauses[1] < 3 * pauses[0]


def test_the_breaker_ends_the_repetitions(desk: Desk) -> None:
    lane, wire = opened(desk, failure(Cause.SERVER), retries=50)
    asked = lane.ask(QUESTION)
    assert reason(asked) == "refused"
    assert len(wire.calls) == 5
    assert asked.failure is not None
    assert asked.failure.retry_after_s == 15


def test_feedback_is_a_further_turn(desk: Desk) -> None:
    lane, wire = opened(desk, said(WHOLE))
    lane.ask(QUESTION, (Feedback("my first try", "1 failed: test_double"),))
    assert [(m.role, m.text) for m in wire.calls[0].messages[1:]] == [
        ("assistant", "my first try"),
        ("user", "1 failed: test_double"),
    ]
    lane.ask(QUESTION, (Feedback(" ", "nothing came"),))
    assert [m.role for m in wire.calls[1].messages] == ["user", "user"]


def test_images_go_to_lanes_with_vision_only(desk: Desk) -> None:
    for vision in (True, False):
        wire = ScriptedWire(said(WHOLE))
        Lane(replace(MODEL, vision=vision), wire, desk.terms()).ask(QUESTION)
        assert bool(wire.calls[0].messages[0].images) is vision


def test_secrets_come_back_in_the_diff_and_nowhere_else(desk: Desk) -> None:
    secret = "ghp_" + "9f8E7d" * 6
    real = {"app.py": f'TOKEN = "{secret}"\nPORT = "80"\n'}

    def mend(call: Call, _on_text: Callable[[str], None]) -> Answer:
        shown = re.search(r'TOKEN = ".*"', call.messages[0].text)
        assert shown is not None
        return said(f"app.py\n```python\n{shown[0]}\nPORT = 80\n```\n")

    lane, wire = opened(desk, said(PROSE), mend)
    asked = lane.ask(Question({"log": f"bad token {secret}"}, real))
    assert asked.candidate is not None
    assert f' TOKEN = "{secret}"\n' in asked.candidate.diff
    assert asked.candidate.diff.count("\n+") == 2  # its header, and the port
    assert secret not in repr((wire.calls, desk.rows, asked.answer))
    assert desk.rows[0].redacted >= 2


def test_a_configured_key_in_a_log_does_not_leave(desk: Desk) -> None:
    lane, wire = opened(desk, said(WHOLE))
    lane.generate(ProviderRequest({"tests": f"login with {KEY} failed"}, {**FILES, ".env": f"ACME_KEY={KEY}"}))
    (call,) = wire.calls
    assert "login with [" in call.messages[0].text
    assert KEY not in call.system + "".join(message.text for message in call.messages)
    assert desk.rows[0].redacted >= 1


def test_no_key_is_in_a_failure(desk: Desk) -> None:
    lane, _ = opened(desk, ProviderFailure(Cause.AUTH, f"bad key {KEY}"))
    asked = lane.ask(QUESTION)
    assert "[key]" in repr(asked)
    assert KEY not in repr((asked, desk.rows))


def test_a_cancelled_call_is_told_and_settled(desk: Desk) -> None:
    gone = Event()

    def wait(call: Call, on_text: Callable[[str], None]) -> Answer:
        on_text("half an ")
        assert call.cancel is not None
        assert call.cancel.wait(10)
        raise failure(Cause.CANCELLED, tokens_in=100)

    lane, _ = opened(desk, wait)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(lane.ask, QUESTION, (), gone)
        gone.set()
        assert reason(asking.result(10)) == "cancelled"
    assert desk.held() == Amount()
    assert desk.used().calls <= 1


def test_a_tighter_time_holds(desk: Desk) -> None:
    lane, wire = opened(desk, said(WHOLE))
    lane.ask(QUESTION, total_s=5.0)
    lane.ask(QUESTION, total_s=9999.0)
    assert [(c.first_byte_s, c.total_s) for c in wire.calls] == [(5.0, 5.0), (60.0, 180.0)]


def test_sixteen_threads_race_for_three_calls_and_without_a_cap_make_sixteen(desk: Desk, tmp_path: Path) -> None:
    for cap, calls in ((3, 3), (None, 19)):
        lane, wire = opened(desk, said(WHOLE), quota=Quota(daily_calls=cap))
        with ThreadPoolExecutor(16) as pool:
            asked = list(pool.map(lambda _: lane.ask(QUESTION), range(16)))  # noqa: B023
        assert sum(a.candidate is not None for a in asked) == len(wire.calls)
        assert desk.used().calls == calls
        assert len({row.number for row in desk.rows[-16:]}) == 16


def test_a_prompt_that_lanes_share_is_built_once() -> None:
    question = Question(LOGS, FILES)
    assert question.prompt("whole") is question.prompt("whole")
    assert question.prompt("whole") is not question.prompt("whole", (Feedback("a", "b"),))


def test_only_pictures_are_images() -> None:
    assets = {
        "a.png": {"media_type": "image/png", "base64": "AAEC"},
        "a.pdf": {"media_type": "application/pdf", "base64": "AAEC"},
    }
    assert images_of(assets) == (Image("image/png", b"\x00\x01\x02"),)


def test_a_lane_is_a_provider_by_the_contract(desk: Desk) -> None:
    lane, _ = opened(desk, said(WHOLE), said(PROSE), quota=Quota(daily_calls=3))
    provider: Provider = lane
    answer = provider.generate(ProviderRequest(LOGS, FILES))
    assert (answer.provider, answer.tokens_in, answer.tokens_out) == (LANE, 100, 20)
    assert "+    return n * 2\n" in answer.diff
    assert answer.meta["cost_usd_micros"] == 400
    with pytest.raises(ProviderFailure, match="no edit"):
        provider.generate(ProviderRequest(LOGS, FILES))
    with pytest.raises(LaneRefused, match="daily_calls"):
        provider.generate(ProviderRequest(LOGS, FILES))
