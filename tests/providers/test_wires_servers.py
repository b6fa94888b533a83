"""The three wires against protocol servers that nobody here wrote: aimock (npm) and llmock (PyPI)."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from llm.providers.base import Answer, Call, Cause, Message, ProviderFailure, Wire
from tests.providers.conftest import LONG, PROSE, UNICODE
from tests.providers.servers import Aimock, Llmock
from tests.providers.wires import PROTOCOLS, asking, warm_wire

SOON_S = 0.4


def wire(protocol: str) -> Wire:
    return warm_wire(protocol)


def call(server: Aimock | Llmock, protocol: str, text: str = "hello", **limits: Any) -> Call:
    return asking(server.base(protocol), text, **limits)


def failure(server: Aimock | Llmock, protocol: str, text: str = "hello", **limits: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        wire(protocol).ask(call(server, protocol, text, **limits))
    return caught.value


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    warm_wire(name)
    return name


def test_a_plain_answer_arrives_in_pieces_and_whole(aimock: Aimock, protocol: str) -> None:
    pieces: list[str] = []
    answer = wire(protocol).ask(call(aimock, protocol, "case:plain"), pieces.append)
    assert answer.text == "a plain answer" == "".join(pieces)
    assert len(pieces) > 1
    assert answer.finish == "stop"
    assert 0 <= answer.first_byte_ms <= answer.latency_ms


def test_the_vendors_count_is_reported(aimock: Aimock, protocol: str) -> None:
    answer = wire(protocol).ask(call(aimock, protocol, "case:counted"))
    assert (answer.tokens_in, answer.tokens_out) == (11, 7)


def test_usage_comes_with_the_stream(llmock: Llmock, protocol: str) -> None:
    llmock.will({"type": "reply", "text": "one two three four"})
    answer = wire(protocol).ask(call(llmock, protocol, "a question of some length"))
    assert answer.text == "one two three four"
    assert answer.tokens_in and answer.tokens_out
    assert [request["stream"] for request in llmock.requests()] == [True]


@pytest.mark.parametrize(("case", "text"), [("prose", PROSE), ("unicode", UNICODE)])
def test_text_arrives_as_it_was_sent(aimock: Aimock, protocol: str, case: str, text: str) -> None:
    assert wire(protocol).ask(call(aimock, protocol, f"case:{case}")).text == text


def test_unicode_of_the_other_server(llmock: Llmock, protocol: str) -> None:
    llmock.will({"type": "reply", "text": UNICODE})
    assert wire(protocol).ask(call(llmock, protocol)).text == UNICODE


def test_five_megabytes_are_refused_and_are_read_where_allowed(aimock: Aimock, protocol: str) -> None:
    assert failure(aimock, protocol, "case:long").cause is Cause.TOO_LARGE
    answer = wire(protocol).ask(call(aimock, protocol, "case:long", max_chars=10_000_000))
    assert answer.text == LONG


def test_no_text_is_empty(llmock: Llmock, aimock: Aimock, protocol: str) -> None:
    llmock.will({"type": "reply", "text": ""})
    assert failure(llmock, protocol).cause is Cause.EMPTY
    assert failure(aimock, protocol, "case:empty").cause is Cause.EMPTY


def test_an_answer_cut_by_the_limit_is_truncated_and_counted(llmock: Llmock, protocol: str) -> None:
    llmock.will({"type": "reply", "text": "half of a", "finish_reason": "length"})
    failed = failure(llmock, protocol)
    assert failed.cause is Cause.TRUNCATED
    assert failed.tokens_out


REFUSALS: list[tuple[dict[str, Any], Cause]] = [
    ({"status": 400}, Cause.BAD_REQUEST),
    ({"status": 401}, Cause.AUTH),
    ({"status": 402}, Cause.HARD_QUOTA),
    ({"status": 403}, Cause.AUTH),
    ({"status": 404}, Cause.BAD_REQUEST),
    ({"status": 413}, Cause.BAD_REQUEST),
    ({"status": 422}, Cause.BAD_REQUEST),
    ({"status": 429}, Cause.RATE_LIMIT),
    ({"status": 429, "code": "insufficient_quota"}, Cause.HARD_QUOTA),
    ({"status": 400, "message": "Your credit balance is too low"}, Cause.HARD_QUOTA),
    ({"status": 500}, Cause.SERVER),
    ({"status": 503}, Cause.SERVER),
    ({"status": 529}, Cause.SERVER),
]


@pytest.mark.parametrize(("fault", "cause"), REFUSALS, ids=lambda value: str(value))
def test_a_refusal_is_named_and_never_asked_again(
    llmock: Llmock, protocol: str, fault: dict[str, Any], cause: Cause
) -> None:
    llmock.will({"type": "fail", "times": None, **fault})
    failed = failure(llmock, protocol)
    assert (failed.cause, failed.status, failed.sent) == (cause, fault["status"], True)
    assert [request["status"] for request in llmock.requests()] == [fault["status"]]


@pytest.mark.parametrize("seconds", [7, 0.25])
def test_retry_after_is_what_the_server_asked_for(llmock: Llmock, protocol: str, seconds: float) -> None:
    llmock.will({"type": "fail", "status": 429, "retry_after": seconds})
    assert failure(llmock, protocol).retry_after_s == seconds


def test_the_other_servers_refusals(aimock: Aimock, protocol: str) -> None:
    assert failure(aimock, protocol, "case:refused").cause is Cause.RATE_LIMIT
    assert failure(aimock, protocol, "case:server").cause is Cause.SERVER
    assert failure(aimock, protocol, "case:malformed").cause is Cause.MALFORMED
    assert failure(aimock, protocol, "case:disconnect").cause in (Cause.UNREACHABLE, Cause.TRUNCATED)


FAULTS = [("truncate", Cause.TRUNCATED), ("disconnect", Cause.TRUNCATED), ("malformed", Cause.MALFORMED)]


@pytest.mark.parametrize(("kind", "cause"), FAULTS)
def test_a_stream_that_breaks_is_no_answer(llmock: Llmock, protocol: str, kind: str, cause: Cause) -> None:
    llmock.will(
        {"type": "reply", "text": "some words of an answer that never ends"},
        {"type": "stream_fault", "kind": kind, "after_chunks": 3},
    )
    failed = failure(llmock, protocol)
    assert (failed.cause, failed.sent) == (cause, True)
    assert len(llmock.requests()) == 1


def test_a_slow_first_byte_times_out(llmock: Llmock, protocol: str) -> None:
    llmock.will({"type": "slow_first_token", "seconds": 4})
    started = time.monotonic()
    assert failure(llmock, protocol, first_byte_s=SOON_S).cause is Cause.TIMEOUT
    assert time.monotonic() - started < SOON_S + 0.5


def test_a_stall_in_mid_stream_times_out(llmock: Llmock, protocol: str) -> None:
    llmock.will(
        {"type": "reply", "text": "some words of an answer that stalls"},
        {"type": "stream_fault", "kind": "stall", "after_chunks": 3, "stall_seconds": 4},
    )
    started = time.monotonic()
    heard: list[str] = []
    question = call(llmock, protocol, total_s=SOON_S)
    with pytest.raises(ProviderFailure) as caught:
        wire(protocol).ask(question, heard.append)
    assert caught.value.cause is Cause.TIMEOUT
    assert time.monotonic() - started < SOON_S + 0.5


def test_a_conversation_keeps_its_turns(llmock: Llmock, protocol: str) -> None:
    turns = (Message("user", "fix it"), Message("assistant", "done"), Message("user", "it still fails"))
    llmock.will({"type": "reply", "text": "sorry"})
    answer: Answer = wire(protocol).ask(replace(call(llmock, protocol), messages=turns))
    assert answer.text == "sorry"
