"""One call under the ledger: what is reserved, what is settled, what a failure means for everybody else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from llm.errors import LedgerError
from llm.ledger.base import Amount, Claim, Grant, Refusal
from llm.ledger.sqlite import SqliteStore
from llm.ledger.trace_rows import Attempt
from llm.providers.attempts import LaneRefused
from llm.providers.base import Answer, Call, Cause, Image, Message, ProviderFailure
from llm.providers.metered import Keep, MeteredWire, bound_tokens_in
from llm.providers.policy_file import Quota
from tests.providers.scripted import (
    ANSWER,
    CALL,
    ENV,
    KEY,
    LANE,
    MODEL,
    NO_CAPS,
    Desk,
    ScriptedWire,
    Step,
    failure,
)

BOUND_IN = math.ceil((8 + 990) / 2.5) + 2 * 16
RESERVED = Amount(1, BOUND_IN + 1000, 2 * BOUND_IN + 10 * 1000)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def metered(desk: Desk, *script: Step, quota: Quota = NO_CAPS) -> tuple[MeteredWire, ScriptedWire]:
    wire = ScriptedWire(*script)
    return MeteredWire(MODEL, wire, desk.terms(quota)), wire


def fails(lane: MeteredWire, call: Call = CALL, keep: Keep = lambda _: None) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        lane.ask(call, keep)
    return caught.value


def ask(lane: MeteredWire) -> Attempt:
    return lane.ask(CALL, lambda _: None)[1]


def test_an_answer_settles_what_the_vendor_counted(desk: Desk) -> None:
    lane, _ = metered(desk, ANSWER)
    answer, row = lane.ask(CALL, desk.rows.append, redacted=2, form="whole")
    assert answer is ANSWER
    cost = 200 * 2 + 100 * 0.1 + 40 * 10
    assert (row.tokens_in, row.tokens_out, row.tokens_cached) == (300, 40, 100)
    assert desk.rows == []  # the caller completes it
    assert desk.used() == Amount(1, 340, int(cost))
    assert desk.held() == Amount()
    told = (row.trace_id, row.lane, row.model, row.protocol, row.number, row.cause, row.stage, row.format)
    assert told == ("run-1", LANE, "coder-2", "replay", 1, "ok", "types", "whole")
    assert (row.redacted, row.policy_hash, row.first_byte_ms, row.usd_micros) == (2, "p0l1cy", 3, cost)


def test_a_row_tells_what_was_reserved_beside_what_it_cost(desk: Desk) -> None:
    lane, _ = metered(desk, ANSWER, failure(Cause.SERVER), quota=Quota(daily_calls=2))
    assert ask(lane).reserved_usd_micros == RESERVED.usd_micros
    fails(lane, keep=desk.rows.append)
    fails(lane, keep=desk.rows.append)
    failed, refused = desk.rows
    assert (failed.cause, failed.usd_micros, failed.reserved_usd_micros) == ("server", 0, RESERVED.usd_micros)
    assert (refused.cause, refused.reserved_usd_micros) == ("daily_calls", 0)


def test_the_upper_bound_is_held_while_the_call_is_made(desk: Desk) -> None:
    seen: list[Amount] = []

    def look(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        seen.append(desk.held())
        return ANSWER

    ask(metered(desk, look)[0])
    assert seen == [RESERVED]


def test_the_bound_counts_bytes_and_images() -> None:
    wide = replace(CALL, messages=(Message("user", "語" * 330, (Image("image/png", b"x"),)),))
    assert bound_tokens_in(wide) == BOUND_IN + 3000


def test_where_the_vendor_counts_nothing_four_characters_are_a_token(desk: Desk) -> None:
    lane, _ = metered(desk, replace(ANSWER, tokens_in=None, tokens_out=None, tokens_cached=None))
    row = ask(lane)
    assert (row.tokens_in, row.tokens_out) == (250, 2)


def test_a_vendors_negative_count_gives_nothing_back(desk: Desk) -> None:
    lane, _ = metered(desk, replace(ANSWER, tokens_in=-10_000, tokens_out=5, tokens_cached=99))
    ask(lane)
    assert desk.used() == Amount(1, 5, 50)


def test_an_unknown_price_stays_unknown(desk: Desk) -> None:
    unpriced = replace(MODEL, price=None)
    lane = MeteredWire(unpriced, ScriptedWire(ANSWER), desk.terms(model=unpriced))
    assert ask(lane).usd_micros is None
    assert desk.used() == Amount(1, 340, 0, unpriced=1)


def test_under_a_cap_in_dollars_no_call_of_unknown_price_is_made(desk: Desk) -> None:
    unpriced, wire = replace(MODEL, price=None), ScriptedWire(ANSWER)
    refused = fails(MeteredWire(unpriced, wire, desk.terms(Quota(daily_usd=5.0), model=unpriced)))
    assert isinstance(refused, LaneRefused)
    assert (refused.bucket, wire.calls) == ("unpriced", [])


def test_a_refusal_makes_no_call_and_costs_nothing(desk: Desk) -> None:
    lane, wire = metered(desk, ANSWER, quota=Quota(daily_calls=1))
    ask(lane)
    refused = fails(lane, keep=desk.rows.append)
    assert isinstance(refused, LaneRefused)
    assert (refused.bucket, refused.retry_after_s, refused.sent) == ("daily_calls", 43_200, False)
    assert len(wire.calls) == 1
    assert desk.used().calls == 1
    assert [(row.number, row.cause) for row in desk.rows] == [(2, "daily_calls")]


@pytest.mark.parametrize(
    ("raised", "settled"),
    [
        (failure(Cause.UNREACHABLE, sent=False), Amount(1, 0, 0)),
        (failure(Cause.RATE_LIMIT, status=429), Amount(1, 0, 0)),
        (failure(Cause.SERVER, status=500), Amount(1, 0, 0)),
        (failure(Cause.TIMEOUT), RESERVED),
        (failure(Cause.MALFORMED), RESERVED),
        (failure(Cause.CANCELLED, tokens_in=300), Amount(1, 1300, 10_600)),
        (failure(Cause.TRUNCATED, tokens_in=300, tokens_out=1000), Amount(1, 1300, 10_600)),
    ],
)
def test_a_failure_settles_what_is_known_or_what_may_have_been_used(
    desk: Desk, raised: ProviderFailure, settled: Amount
) -> None:
    fails(metered(desk, raised)[0], keep=desk.rows.append)
    assert desk.used() == settled
    assert desk.held() == Amount()
    (row,) = desk.rows
    assert (row.cause, row.status, row.error) == (raised.cause.value, raised.status, str(raised))
    assert row.tokens_in + row.tokens_out == settled.tokens


def test_a_cancelled_answer_settles_the_prompt_and_what_was_heard(desk: Desk) -> None:
    def cancelled(_call: Call, on_text: Callable[[str], None]) -> Answer:
        on_text("x" * 50)
        raise failure(Cause.CANCELLED)

    fails(metered(desk, cancelled)[0])
    assert desk.used() == Amount(1, BOUND_IN + 20, BOUND_IN * 2 + 200)


def test_a_bug_in_a_wire_settles_the_whole_reservation(desk: Desk) -> None:
    def broken(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(metered(desk, broken)[0])
    assert (desk.used(), desk.held()) == (RESERVED, Amount())


def test_what_nobody_wants_any_more_is_not_sent(desk: Desk) -> None:
    lane, wire = metered(desk, ANSWER)
    gone = Event()
    gone.set()
    assert fails(lane, replace(CALL, cancel=gone)).cause is Cause.CANCELLED
    assert (wire.calls, desk.used()) == ([], Amount())


def test_a_429_between_reservation_and_sending_holds_the_call_back(desk: Desk) -> None:
    class Overtaken(SqliteStore):
        def reserve(self, claim: Claim) -> Grant | Refusal:
            granted = super().reserve(claim)
            desk.store().cool(LANE, 7, "rate_limit")
            return granted

    store = Overtaken(desk.folder / "ledger.sqlite", clock=desk.clock)
    desk.opened.append(store)
    wire = ScriptedWire(ANSWER)
    refused = fails(MeteredWire(MODEL, wire, desk.terms(store=store)))
    assert isinstance(refused, LaneRefused)
    assert (refused.bucket, refused.retry_after_s) == ("cooldown", 7)
    assert (wire.calls, desk.used(), desk.held()) == ([], Amount(), Amount())


def test_what_nobody_wants_once_it_is_reserved_is_given_back(desk: Desk) -> None:
    gone = Event()

    class Slow(SqliteStore):
        def reserve(self, claim: Claim) -> Grant | Refusal:
            granted = super().reserve(claim)
            gone.set()
            return granted

    store = Slow(desk.folder / "ledger.sqlite", clock=desk.clock)
    desk.opened.append(store)
    wire = ScriptedWire(ANSWER)
    lane = MeteredWire(MODEL, wire, desk.terms(store=store))
    assert fails(lane, replace(CALL, cancel=gone)).cause is Cause.CANCELLED
    assert (wire.calls, desk.used(), desk.held()) == ([], Amount(), Amount())


def test_a_call_that_dies_after_it_was_sent_is_charged_when_its_lease_is_over(desk: Desk) -> None:
    """As if the process were killed: the store sees reserve and mark_sent, and then nothing more."""

    class Killed(BaseException):
        pass

    class Dying(SqliteStore):
        def settle(self, grant: Grant, tokens: int, usd_micros: int | None, answered: bool = False) -> None:
            raise Killed

    def die(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        raise Killed

    store = Dying(desk.folder / "ledger.sqlite", clock=desk.clock)
    desk.opened.append(store)
    with pytest.raises(Killed):
        ask(MeteredWire(MODEL, ScriptedWire(die), desk.terms(store=store)))
    assert desk.held() == RESERVED
    desk.clock.now += CALL.total_s
    assert desk.held() == RESERVED  # a call may take that long: its lease is longer
    desk.clock.now += 121
    assert desk.held() == Amount()
    assert desk.used() == RESERVED


def test_a_ledger_that_cannot_be_had_calls_nobody(desk: Desk) -> None:
    terms, wire = desk.terms(), ScriptedWire(ANSWER)
    desk.close()
    with pytest.raises(LedgerError):
        ask(MeteredWire(MODEL, wire, terms))
    assert wire.calls == []


def test_a_row_that_cannot_be_kept_ends_the_run(desk: Desk) -> None:
    def full(_row: Attempt) -> None:
        raise LedgerError("disk full")

    lane, _ = metered(desk, failure(Cause.EMPTY))
    with pytest.raises(LedgerError, match="disk full"):
        lane.ask(CALL, full)
    assert desk.held() == Amount()


def test_sixteen_threads_race_for_three_calls(desk: Desk) -> None:
    lane, wire = metered(desk, ANSWER, quota=Quota(daily_calls=3))

    def race(_number: int) -> bool:
        try:
            ask(lane)
        except LaneRefused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        answered = list(pool.map(race, range(16)))
    assert (sum(answered), len(wire.calls), desk.used().calls) == (3, 3, 3)


def test_retry_after_holds_for_every_process_and_for_what_was_reserved_before(desk: Desk) -> None:
    lane, _ = metered(desk, failure(Cause.RATE_LIMIT, status=429, retry_after_s=7.0))
    other, other_wire = metered(desk, ANSWER)
    fails(lane)
    for _ in range(7):
        refused = fails(other)
        assert isinstance(refused, LaneRefused)
        assert refused.bucket == "cooldown"
        desk.clock.now += 0.999
    assert other_wire.calls == []
    desk.clock.now += 0.1
    ask(other)
    assert len(other_wire.calls) == 1


def test_a_late_success_does_not_end_a_wait_that_the_server_asked_for(desk: Desk) -> None:
    """Sent before the 429, answered after it."""
    limited, _ = metered(desk, failure(Cause.RATE_LIMIT, retry_after_s=7.0))

    def answer_late(_call: Call, _on_text: Callable[[str], None]) -> Answer:
        fails(limited)
        return ANSWER

    lane, wire = metered(desk, answer_late)
    ask(lane)
    assert isinstance(fails(lane), LaneRefused)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("cause", [Cause.HARD_QUOTA, Cause.AUTH])
def test_an_account_that_cannot_pay_or_is_not_known_is_left_alone_for_long(desk: Desk, cause: Cause) -> None:
    lane, wire = metered(desk, failure(cause, status=402))
    fails(lane)
    desk.clock.now += 299
    assert isinstance(fails(lane), LaneRefused)
    assert len(wire.calls) == 1
    assert desk.store().standing("UTC")[LANE].cause == cause


@pytest.mark.parametrize("wish", [math.inf, math.nan, 1e18, -5.0, 0.0])
def test_an_odd_wish_of_a_server_is_bounded(desk: Desk, wish: float) -> None:
    lane, _ = metered(desk, failure(Cause.RATE_LIMIT, retry_after_s=wish))
    fails(lane)
    assert 1.0 <= desk.store().standing("UTC")[LANE].cooldown_s <= 86_400


def test_faults_in_a_row_open_the_breaker_and_one_success_closes_it(desk: Desk) -> None:
    lane, wire = metered(desk, *[failure(Cause.SERVER, status=500)] * 6, ANSWER)
    for _ in range(5):
        fails(lane)
    refused = fails(lane)
    assert isinstance(refused, LaneRefused)
    assert desk.store().standing("UTC")[LANE].cause == "circuit_open"
    desk.clock.now += 15.1
    fails(lane)  # the one that tried it: longer this time
    desk.clock.now += 15.1
    assert isinstance(fails(lane), LaneRefused)
    desk.clock.now += 15.1
    ask(lane)
    ask(lane)
    assert desk.store().standing("UTC")[LANE].failures == 0
    assert len(wire.calls) == 8


def test_an_answer_that_is_no_use_is_no_fault_of_the_lane(desk: Desk) -> None:
    lane, wire = metered(
        desk, failure(Cause.EMPTY), failure(Cause.BAD_REQUEST), failure(Cause.TRUNCATED), *[ANSWER]
    )
    for _ in range(3):
        fails(lane)
    ask(lane)
    assert len(wire.calls) == 4


def test_a_busy_lane_is_waited_for(desk: Desk) -> None:
    store = desk.store()
    terms = replace(desk.terms(Quota(concurrency=1), store=store))
    busy = store.reserve(Claim(LANE, "other", 1, 1, terms.policy.caps(LANE)))
    assert isinstance(busy, Grant)
    waited: list[float] = []

    def until_free(seconds: float, _cancel: Event | None) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            store.release(busy)

    ask(MeteredWire(MODEL, ScriptedWire(ANSWER), replace(terms, pause=until_free)))
    assert waited == [0.1] * 3


def test_a_lane_that_may_have_no_call_at_once_is_not_waited_for(desk: Desk) -> None:
    assert isinstance(fails(metered(desk, ANSWER, quota=Quota(concurrency=0))[0]), LaneRefused)
    assert desk.pauses == []


def test_no_key_is_in_a_row_or_in_the_ledger(desk: Desk) -> None:
    leaky = ProviderFailure(Cause.BAD_REQUEST, f"acme.example: no such key {KEY}", status=400)
    fails(metered(desk, leaky)[0], keep=desk.rows.append)
    assert desk.rows[0].error == "acme.example: no such key [key]"
    assert KEY not in repr((desk.rows, CALL, desk.terms()))
    kept = b"".join(path.read_bytes() for path in desk.folder.iterdir())
    assert LANE.encode() in kept
    assert ENV["ACME_KEY"].encode() not in kept
