"""The wires against exact bytes: what no protocol server can be told to send, and what a client must not send."""

from __future__ import annotations

import base64
import json
import logging
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from llm.providers.base import Call, Cause, Image, Message, ProviderFailure, Wire
from tests.providers.servers import DIALECTS, STREAM_HEAD, Aimock, RawServer, event, respond
from tests.providers.wires import KEY, PROMPT, PROTOCOLS, asking, warm_wire

SOON_S = 0.4
Script = Callable[[socket.socket], None]


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    warm_wire(name)
    return name


def call(raw: RawServer, protocol: str, **limits: Any) -> Call:
    return asking(raw.base(protocol), **limits)


def wire(protocol: str) -> Wire:
    return warm_wire(protocol)


def failure(raw: RawServer, protocol: str, **limits: Any) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        wire(protocol).ask(call(raw, protocol, **limits))
    return caught.value


def streaming(*chunks: bytes, pause_s: float = 0.0) -> Script:
    """A script: these packets, then the end of the stream."""

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for chunk in (STREAM_HEAD, *chunks):
            connection.sendall(chunk)
            time.sleep(pause_s)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def saying(protocol: str, *texts: str) -> Script:
    dialect = DIALECTS[protocol]
    return streaming(dialect.opening, *map(dialect.text, texts), dialect.ending)


def test_an_emoji_cut_between_two_events_is_put_together(raw: RawServer, protocol: str) -> None:
    raw.script = saying(protocol, "party \ud83c", "\udf89 time", " \ud83c", "")
    heard: list[str] = []
    answer = wire(protocol).ask(call(raw, protocol), heard.append)
    assert answer.text == "party 🎉 time \ufffd"
    assert [piece.encode("utf-8") for piece in heard]


def test_a_character_cut_between_two_packets_is_put_together(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    whole = dialect.text("EMOJI").replace(b"EMOJI", "🎉".encode())
    middle = whole.index("🎉".encode()) + 2
    raw.script = streaming(dialect.opening, whole[:middle], whole[middle:], dialect.ending, pause_s=0.02)
    assert wire(protocol).ask(call(raw, protocol)).text == "🎉"


def test_a_date_in_retry_after_is_read_by_the_servers_own_clock(raw: RawServer, protocol: str) -> None:
    raw.script = respond(
        429,
        "{}",
        "date: Wed, 21 Oct 2015 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2015 07:28:42 GMT\r\n",
    )
    assert failure(raw, protocol).retry_after_s == 42.0


@pytest.mark.parametrize("header", ["soon", "-5", "nan", "inf", ""])
def test_a_retry_after_that_means_nothing_is_none(raw: RawServer, protocol: str, header: str) -> None:
    raw.script = respond(429, "not json", f"retry-after: {header}\r\n")
    failed = failure(raw, protocol)
    assert (failed.cause, failed.retry_after_s) == (Cause.RATE_LIMIT, None)


GOOGLE_429 = "You exceeded your current quota, please check your plan and billing details."


def google_429(quota: str) -> str:
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"},
    ]
    error = {"code": 429, "message": GOOGLE_429, "status": "RESOURCE_EXHAUSTED", "details": details}
    return json.dumps([{"error": error}])


def test_googles_delay_is_in_the_body_and_its_prose_proves_nothing(raw: RawServer) -> None:
    raw.script = respond(429, google_429("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"))
    failed = failure(raw, "google")
    assert (failed.cause, failed.retry_after_s) == (Cause.RATE_LIMIT, 34.5)
    raw.script = respond(429, google_429("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))
    assert failure(raw, "google").cause is Cause.HARD_QUOTA


def test_google_calls_a_wrong_key_a_bad_request(raw: RawServer) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    error = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": details}
    raw.script = respond(400, json.dumps({"error": error}))
    assert failure(raw, "google").cause is Cause.AUTH


def test_a_refused_call_is_known_to_have_used_nothing(raw: RawServer, protocol: str) -> None:
    raw.script = respond(429, "{}")
    failed = failure(raw, protocol)
    assert (failed.tokens_in, failed.tokens_out) == (0, 0)
    raw.script = respond(500, "{}")
    assert failure(raw, protocol).tokens_in is None


MID_STREAM = {
    "openai": event({"error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "slow down"}}),
    "anthropic": event({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, "error"),
    "google": event({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}),
}


def test_an_error_event_in_mid_stream_has_its_own_cause(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    raw.script = streaming(dialect.opening, dialect.text("half an"), MID_STREAM[protocol])
    assert failure(raw, protocol).cause is (Cause.RATE_LIMIT if protocol == "openai" else Cause.SERVER)


WITHHELD = {
    "openai": event({"choices": [{"index": 0, "delta": {"refusal": "I cannot"}, "finish_reason": "stop"}]}),
    "anthropic": event(
        {"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": {}}, "message_delta"
    ),
    "google": event({"promptFeedback": {"blockReason": "SAFETY"}}),
}


def test_a_refusal_for_safety_is_empty(raw: RawServer, protocol: str) -> None:
    raw.script = streaming(DIALECTS[protocol].opening, WITHHELD[protocol])
    assert failure(raw, protocol).cause is Cause.EMPTY


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_an_answer_that_is_no_stream_is_malformed(raw: RawServer, protocol: str, kind: str) -> None:
    raw.script = respond(200, "<html>welcome to the hotel's network</html>", kind=kind)
    assert failure(raw, protocol).cause is Cause.MALFORMED


@pytest.mark.parametrize("data", [b"data: [1]\n\n", b"data: 7\n\n", b'data: "\xff"\n\n', b"data: {\n\n"])
def test_bytes_that_are_not_the_protocol_never_get_out_as_another_error(
    raw: RawServer, protocol: str, data: bytes
) -> None:
    raw.script = streaming(b"event: message_delta\n" + data)
    assert failure(raw, protocol).cause in (Cause.MALFORMED, Cause.TRUNCATED)


def test_a_port_that_nobody_listens_on_costs_nothing(protocol: str) -> None:
    with RawServer() as closed:
        pass
    failed = failure(closed, protocol)
    assert (failed.cause, failed.sent) == (Cause.UNREACHABLE, False)


def test_a_name_that_does_not_exist_is_unreachable(protocol: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        wire(protocol).ask(asking("http://torre.invalid/v1"))
    assert (caught.value.cause, caught.value.sent) == (Cause.UNREACHABLE, False)


def test_a_connection_cut_before_the_answer_is_unreachable_but_was_sent(raw: RawServer, protocol: str) -> None:
    raw.script = lambda connection: connection.shutdown(socket.SHUT_RDWR)
    failed = failure(raw, protocol)
    assert (failed.cause, failed.sent, len(raw.requests)) == (Cause.UNREACHABLE, True, 1)


def test_a_trickle_of_bytes_does_not_hold_the_clock(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    raw.script = streaming(dialect.opening, *[dialect.text("")] * 40, pause_s=0.05)
    started = time.monotonic()
    assert failure(raw, protocol, first_byte_s=SOON_S).cause is Cause.TIMEOUT
    raw.script = streaming(dialect.opening, *[dialect.text("word ")] * 40, pause_s=0.05)
    assert failure(raw, protocol, total_s=SOON_S).cause is Cause.TIMEOUT
    assert time.monotonic() - started < 2 * SOON_S + 0.5


def test_an_endless_line_is_not_kept_for_ever(raw: RawServer, protocol: str) -> None:
    raw.script = streaming(b"data: ", *[b"x" * 65_536] * 200)
    assert failure(raw, protocol, max_chars=1000).cause is Cause.TOO_LARGE


def cancelled(raw: RawServer, protocol: str, after_s: float) -> ProviderFailure:
    """Ask, and cancel from another thread so long after the server has been reached."""
    cancel, cancelled_at = threading.Event(), [0.0]

    def once_reached() -> None:
        until = time.monotonic() + 10
        while not raw.requests and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(after_s)
        cancelled_at[0] = time.monotonic()
        cancel.set()

    waiting = threading.Thread(target=once_reached)
    waiting.start()
    failed = failure(raw, protocol, cancel=cancel)
    ended = time.monotonic()
    waiting.join()
    assert ended - cancelled_at[0] < 0.5
    return failed


def test_a_cancelled_call_hangs_up_before_the_first_byte(raw: RawServer, protocol: str) -> None:
    raw.script = raw.hang_until_gone
    failed = cancelled(raw, protocol, 0.2)
    assert (failed.cause, failed.sent) == (Cause.CANCELLED, True)
    assert raw.gone.wait(2)


def test_a_cancelled_call_hangs_up_in_mid_stream(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]

    def script(connection: socket.socket) -> None:
        connection.sendall(STREAM_HEAD + dialect.opening + dialect.text("some"))
        raw.hang_until_gone(connection)

    raw.script = script
    failed = cancelled(raw, protocol, 1.0)
    assert failed.cause is Cause.CANCELLED
    assert raw.gone.wait(2)
    assert failed.tokens_in == (9 if protocol == "anthropic" else None)


def test_the_server_sees_the_hang_up_of_an_answer_too_long(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]

    def script(connection: socket.socket) -> None:
        connection.sendall(STREAM_HEAD + dialect.opening + dialect.text("x" * 200))
        raw.hang_until_gone(connection)

    raw.script = script
    assert failure(raw, protocol, max_chars=100).cause is Cause.TOO_LARGE
    assert raw.gone.wait(2)


def test_a_call_nobody_wants_is_never_sent(raw: RawServer, protocol: str) -> None:
    cancel = threading.Event()
    cancel.set()
    failed = failure(raw, protocol, cancel=cancel)
    assert (failed.cause, failed.sent, raw.requests) == (Cause.CANCELLED, False, [])


def test_a_listener_that_breaks_is_the_callers_own_error(raw: RawServer, protocol: str) -> None:
    def break_down(_: str) -> None:
        raise ZeroDivisionError

    raw.script = saying(protocol, "a", "b")
    with pytest.raises(ZeroDivisionError):
        wire(protocol).ask(call(raw, protocol), break_down)


def test_a_redirect_takes_the_key_nowhere(raw: RawServer, protocol: str) -> None:
    with RawServer() as elsewhere:
        elsewhere.script = saying(protocol, "gotcha")
        raw.script = respond(307, "", f"location: {elsewhere.url}/stolen\r\n")
        assert failure(raw, protocol).cause is Cause.BAD_REQUEST
        assert elsewhere.requests == []


def test_the_environment_names_no_other_host_key_or_account(
    raw: RawServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer() as elsewhere:
        for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere.url)
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY"):
            monkeypatch.setenv(name, "ambient-key")
        for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "ANTHROPIC_PROFILE"):
            monkeypatch.setenv(name, "ambient-account")
        for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
            monkeypatch.setenv(name, "authorization: Bearer ambient-key\nX-Api-Key: ambient-key")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        raw.script = saying(protocol, "hi")
        assert wire(protocol).ask(call(raw, protocol)).text == "hi"
        assert elsewhere.connections == 0
    head = raw.requests[0].partition(b"\r\n\r\n")[0]
    assert b"ambient" not in head
    assert b"publishers" not in head  # a path of Vertex AI, another product of Google's
    assert head.count(KEY.encode()) == 1


def test_a_server_without_a_key_is_sent_none(
    raw: RawServer, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "ambient-key")
    raw.script = saying(protocol, "hi")
    wire(protocol).ask(call(raw, protocol, api_key=""))
    head = raw.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert not [name for name in (b"authorization", b"api-key", b"ambient") if name in head]


def test_the_local_lane_speaks_openais_protocol(raw: RawServer) -> None:
    raw.script = saying("openai", "hi")
    assert warm_wire("local").ask(call(raw, "openai", api_key="")).text == "hi"
    assert raw.requests[0].startswith(b"POST /v1/chat/completions ")


@pytest.mark.parametrize("base_url", ["ftp://127.0.0.1/v1", "nonsense", "http://[", "http://127.0.0.1:99999999"])
def test_a_base_url_that_is_none_is_refused_unsent(protocol: str, base_url: str) -> None:
    with pytest.raises(ProviderFailure) as caught:
        wire(protocol).ask(asking(base_url))
    assert caught.value.cause in (Cause.BAD_REQUEST, Cause.UNREACHABLE)
    assert not caught.value.sent


@pytest.mark.parametrize("key", ["two\nlines", "ключ"])
def test_a_key_that_no_header_can_hold_is_refused_unsent(raw: RawServer, protocol: str, key: str) -> None:
    failed = failure(raw, protocol, api_key=key)
    assert (failed.cause, failed.sent, raw.requests) == (Cause.BAD_REQUEST, False, [])
    assert key not in str(failed)


@pytest.mark.parametrize(
    ("protocol", "package"), [("openai", "openai"), ("anthropic", "anthropic"), ("google", "google.genai")]
)
def test_a_missing_sdk_is_named_with_the_remedy(
    raw: RawServer, protocol: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = warm_wire(protocol)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ProviderFailure, match=r"install torre-llm\[providers\]") as caught:
        wanted.ask(call(raw, protocol))
    assert (caught.value.cause, caught.value.sent) == (Cause.BAD_REQUEST, False)


ECHO = {"error": {"message": f"bad key {KEY} for {PROMPT}", "type": KEY, "code": PROMPT, "status": KEY}}


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_failure_repeats_neither_key_nor_prompt(raw: RawServer, protocol: str, status: int) -> None:
    raw.script = respond(status, json.dumps(ECHO))
    assert_nothing_planted(failure(raw, protocol))
    raw.script = streaming(b"data: {" + f"{KEY} {PROMPT}".encode() + b"\n\n")
    assert_nothing_planted(failure(raw, protocol))


def test_a_key_that_looks_like_an_error_code_is_not_repeated(raw: RawServer, protocol: str) -> None:
    key = "planted_key_of_letters"
    raw.script = respond(400, json.dumps({"error": {"message": key, "type": key, "code": key, "status": key}}))
    assert key not in str(failure(raw, protocol, api_key=key))


def assert_nothing_planted(failed: ProviderFailure) -> None:
    """Not in the text, and not in the errors behind it: each of them holds the request."""
    told = "".join(traceback.format_exception(failed)) + repr(failed) + repr(vars(failed))
    assert KEY not in told and PROMPT not in told
    assert failed.__context__ is None and failed.__cause__ is None


def test_nothing_is_logged_even_at_debug_level(
    raw: RawServer, protocol: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    raw.script = saying(protocol, "hi")
    wire(protocol).ask(call(raw, protocol))
    assert PROMPT not in caplog.text and KEY not in caplog.text


def test_the_sdk_itself_would_log_the_prompt(
    raw: RawServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The positive control of the test above."""
    from anthropic import Anthropic

    monkeypatch.setattr(logging.getLogger("anthropic._base_client"), "disabled", False)
    caplog.set_level(logging.DEBUG, logger="anthropic._base_client")
    raw.script = saying("anthropic", "hi")
    with Anthropic(api_key=KEY, base_url=raw.base("anthropic"), max_retries=0) as client:
        messages: Any = [{"role": "user", "content": PROMPT}]
        list(client.messages.create(model="m", max_tokens=5, messages=messages, stream=True))
    assert PROMPT in caplog.text


def sent_body(raw: RawServer) -> Any:
    return json.loads(raw.requests[-1].partition(b"\r\n\r\n")[2])


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
URL_SAFE = str.maketrans("+/", "-_")  # the SDK's choice, as `mime_type` is; the protocol takes both
PICTURES: dict[str, Callable[[Any, str], bool]] = {
    "openai": lambda body, data: (
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        in body["messages"][1]["content"]
    ),
    "anthropic": lambda body, data: (
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
        in body["messages"][0]["content"]
    ),
    "google": lambda body, data: (
        {"inlineData": {"mime_type": "image/png", "data": data.translate(URL_SAFE)}}
        in body["contents"][0]["parts"]
    ),
}


def test_a_picture_goes_out_in_the_vendors_form(raw: RawServer, aimock: Aimock, protocol: str) -> None:
    """As the references have it; and a protocol server that nobody here wrote takes the request."""
    question = Message("user", "case:plain what is in this picture?", (Image("image/png", PNG),))
    raw.script = saying(protocol, "a cat")
    wire(protocol).ask(replace(call(raw, protocol), messages=(question,)))
    assert PICTURES[protocol](sent_body(raw), base64.b64encode(PNG).decode())
    assert wire(protocol).ask(asking(aimock.base(protocol), messages=(question,))).text == "a plain answer"


@pytest.mark.parametrize(
    ("base", "model", "path"),
    [
        ("", "gemini-3.8-flash", "/v1/models/gemini-3.8-flash:"),
        ("", "gemini-flash-latest", "/v1beta/models/gemini-flash-latest:"),
        ("/v1beta", "gemini-3.8-flash", "/v1beta/models/gemini-3.8-flash:"),
        ("/gateway/v1beta/", "gemini-3.8-flash", "/gateway/v1beta/models/gemini-3.8-flash:"),
    ],
)
def test_googles_version_is_the_base_urls_or_the_aliases(raw: RawServer, base: str, model: str, path: str) -> None:
    raw.script = saying("google", "hi")
    wire("google").ask(asking(raw.url + base, model=model))
    assert raw.requests[0].split(b" ")[1].decode().startswith(path)


def test_a_second_call_reuses_the_client_and_its_connection(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    body = dialect.opening + dialect.text("hi") + dialect.ending
    raw.script = respond(200, body, kind="text/event-stream")
    question = call(raw, protocol)
    assert [wire(protocol).ask(question).text for _ in range(3)] == ["hi"] * 3
    assert (len(raw.requests), raw.connections) == (3, 1)


def test_a_connection_the_server_closed_meanwhile_is_not_used_again(raw: RawServer, protocol: str) -> None:
    dialect = DIALECTS[protocol]
    whole = respond(200, dialect.opening + dialect.text("hi") + dialect.ending, kind="text/event-stream")

    def script(connection: socket.socket) -> None:
        whole(connection)
        connection.shutdown(socket.SHUT_RDWR)

    raw.script = script
    question = call(raw, protocol)
    for _ in range(2):
        assert wire(protocol).ask(question).text == "hi"
        time.sleep(0.05)
    assert raw.connections == 2


def test_threads_do_not_mix_their_answers(aimock: Aimock, protocol: str) -> None:
    """Each thread has its own deadline and its own text, on one client."""
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        case = "plain" if number % 2 else "unicode"
        question = asking(aimock.base(protocol), messages=(Message("user", f"case:{case}"),))
        answers[number] = wire(protocol).ask(question).text

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert {answers[number] for number in range(1, 12, 2)} == {"a plain answer"}
    assert len({answers[number] for number in range(0, 12, 2)}) == 1
