"""Scripted answers: an ordinary wire, with a file where the vendor would be."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from llm.providers.base import Answer, Call, Cause, Message, ProviderFailure
from tests.providers.wires import asking, warm_wire


class Script:
    """A file of scripted rows, and a wire that has not read it yet."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "the answers.json"

    def holds(self, *rows: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(rows), encoding="utf-8")

    def ask(self, text: str = "hello", **limits: Any) -> Answer:
        return warm_wire("replay").ask(self.call(text, **limits))

    def call(self, text: str = "hello", **limits: Any) -> Call:
        return asking(f"replay://{self.file.as_posix().replace(' ', '%20')}", text, **limits)

    def failure(self, text: str = "hello", **limits: Any) -> ProviderFailure:
        with pytest.raises(ProviderFailure) as caught:
            self.ask(text, **limits)
        return caught.value


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_answers_come_in_order_and_are_used_up(script: Script) -> None:
    script.holds({"text": "first"}, {"text": "second"})
    assert [script.ask().text, script.ask().text] == ["first", "second"]
    failed = script.failure()
    assert (failed.cause, failed.sent) == (Cause.BAD_REQUEST, False)


def test_an_answer_waits_for_the_prompt_it_is_for(script: Script) -> None:
    script.holds({"when": "TS2307", "text": "types"}, {"when": "assert", "text": "tests"}, {"text": "rest"})
    assert script.ask("error: assert 1 == 2").text == "tests"
    assert script.ask("error TS2307: no module").text == "types"
    assert script.ask("error TS2307: no module").text == "rest"


def test_an_answer_can_be_for_one_model_and_for_ever(script: Script) -> None:
    script.holds({"model": "big", "text": "from big", "repeat": True}, {"text": "from any"})
    assert script.ask().text == "from any"
    assert [script.ask(model="big").text for _ in range(3)] == ["from big"] * 3


def test_the_text_comes_in_pieces_with_its_count(script: Script) -> None:
    script.holds({"text": "abcd", "tokens_in": 12, "tokens_out": 3}, {"text": "estimated"})
    pieces: list[str] = []
    answer = warm_wire("replay").ask(script.call(), pieces.append)
    assert (pieces, answer.tokens_in, answer.tokens_out) == (["ab", "cd"], 12, 3)
    assert script.ask().tokens_in


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause is not Cause.OK])
def test_every_failure_can_be_scripted(script: Script, cause: Cause) -> None:
    script.holds({"fail": cause.value, "status": 429, "retry_after_s": 7, "tokens_out": 4})
    failed = script.failure()
    assert (failed.cause, failed.status, failed.retry_after_s, failed.tokens_out) == (cause, 429, 7, 4)


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ({"text": "never finished", "finish": ""}, Cause.TRUNCATED),
        ({"text": "too long", "finish": "length"}, Cause.TRUNCATED),
        ({"text": "refused", "finish": "withheld"}, Cause.EMPTY),
        ({"text": " \n"}, Cause.EMPTY),
        ({"text": "x" * 500}, Cause.TOO_LARGE),
        ({"text": "slow", "delay_s": 60}, Cause.TIMEOUT),
        ({"text": "stalls", "stall_s": 60}, Cause.TIMEOUT),
    ],
)
def test_what_goes_wrong_with_a_vendor_goes_wrong_here(script: Script, row: dict[str, Any], cause: Cause) -> None:
    script.holds(row)
    started = time.monotonic()
    soon: dict[str, Any] = {"first_byte_s": 0.2, "total_s": 0.3} if cause is Cause.TIMEOUT else {}
    assert script.failure(max_chars=100, **soon).cause is cause
    assert time.monotonic() - started < 1


def test_a_delay_can_be_cancelled(script: Script) -> None:
    script.holds({"text": "slow", "delay_s": 60})
    cancel = threading.Event()
    threading.Timer(0.1, cancel.set).start()
    started = time.monotonic()
    assert script.failure(cancel=cancel).cause is Cause.CANCELLED
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("content", ["", "{", '[{"txet": "typo"}]', '[{"fail": "no such cause"}]'])
def test_a_script_that_cannot_be_read_names_its_file(script: Script, content: str) -> None:
    script.file.write_text(content, encoding="utf-8")
    failed = script.failure()
    assert failed.cause is Cause.BAD_REQUEST
    assert str(script.file) in str(failed)


def test_a_missing_script_names_its_file(script: Script) -> None:
    assert str(script.file) in str(script.failure())


def test_a_script_that_changed_starts_afresh(script: Script) -> None:
    script.holds({"text": "old"})
    script.ask()
    script.holds({"text": "newer"})
    assert script.ask().text == "newer"


def test_threads_share_the_rows_fairly(script: Script) -> None:
    script.holds(*[{"text": str(number)} for number in range(40)])
    taken: list[str] = []

    def ask() -> None:
        for _ in range(10):
            taken.append(script.ask().text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(number) for number in range(40)]


def test_the_prompt_includes_every_turn(script: Script) -> None:
    script.holds({"when": "planted in an earlier turn", "text": "seen"})
    turns = (Message("user", "planted in an earlier turn"), Message("assistant", "no"), Message("user", "again"))
    assert script.ask(messages=turns).text == "seen"
