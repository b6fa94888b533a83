"""What both stores promise, on a clock that the test moves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from llm.ledger.base import WORKSPACE, Amount, Caps, Claim, Grant, QuotaStore, Refusal
from tests.ledger.conftest import Clock, Open

LANE = "openai/gpt-4o"
CLAIM = Claim(LANE, "run-1", tokens=1000, usd_micros=300)


def reserve(store: QuotaStore, claim: Claim = CLAIM) -> Grant:
    grant = store.reserve(claim)
    assert isinstance(grant, Grant), grant
    return grant


def send(store: QuotaStore, claim: Claim = CLAIM) -> Grant:
    grant = reserve(store, claim)
    assert store.mark_sent(grant) is None
    return grant


def call(store: QuotaStore, claim: Claim = CLAIM) -> None:
    store.settle(send(store, claim), claim.tokens, claim.usd_micros)


def capped(**caps: int) -> Claim:
    return replace(CLAIM, caps=Caps(**caps))


@pytest.mark.parametrize(
    ("caps", "bucket", "wait_s"),
    [
        ({"rpm": 2}, "rpm", 60),
        ({"tpm": 2999}, "tpm", 60),
        ({"daily_calls": 2}, "daily_calls", 12 * 3600),
        ({"daily_tokens": 2999}, "daily_tokens", 12 * 3600),
        ({"daily_usd_micros": 899}, "daily_usd", 12 * 3600),
        ({"budget_daily_usd_micros": 899}, "budget.daily_usd", 12 * 3600),
        ({"budget_run_usd_micros": 899}, "budget.run_usd", None),
    ],
)
def test_each_cap_refuses_the_third_call(
    store: QuotaStore, caps: dict[str, int], bucket: str, wait_s: float | None
) -> None:
    claim = capped(**caps)
    call(store, claim)
    call(store, claim)
    assert store.reserve(claim) == Refusal(bucket, wait_s)  # type: ignore[arg-type]


def test_a_refused_call_consumes_nothing_of_any_bucket(store: QuotaStore) -> None:
    call(store)
    before = store.standing("UTC")
    assert isinstance(store.reserve(capped(daily_calls=1, rpm=100)), Refusal)
    assert store.standing("UTC") == before


def test_a_cap_that_is_added_later_sees_what_was_used_before(store: QuotaStore) -> None:
    for _ in range(3):
        call(store)
    assert store.reserve(capped(daily_calls=3)) == Refusal("daily_calls", 12 * 3600)


def test_money_caps_refuse_what_has_no_price(store: QuotaStore) -> None:
    unpriced = replace(CLAIM, usd_micros=None)
    assert store.reserve(replace(unpriced, caps=Caps(budget_run_usd_micros=10**9))) == Refusal("unpriced")
    call(store, unpriced)
    assert store.history()[-1].used == Amount(1, 1000, 0, 1)


def test_settling_puts_the_real_use_in_the_place_of_the_reserved(store: QuotaStore) -> None:
    grant = send(store)
    assert store.standing("UTC")[LANE].open == Amount(1, 1000, 300)
    store.settle(grant, 40, 12)
    store.settle(grant, 9999, 9999)  # a second time changes nothing
    standing = store.standing("UTC")
    assert standing[LANE].day == standing[LANE].minute == standing[WORKSPACE].day == Amount(1, 40, 12)
    assert standing[LANE].open == Amount()


def test_what_a_call_cost_is_what_was_reserved_when_nobody_knows(store: QuotaStore) -> None:
    store.settle(send(store), 40, None)
    assert store.standing("UTC")[LANE].day == Amount(1, 40, 300)


def test_released_is_as_if_it_had_never_been(store: QuotaStore) -> None:
    grant = reserve(store)
    store.release(grant)
    store.release(grant)
    assert store.standing("UTC")[LANE].day == store.standing("UTC")[LANE].minute == Amount()
    assert store.mark_sent(grant) == Refusal("lease")


def test_a_call_that_was_sent_cannot_be_given_back(store: QuotaStore) -> None:
    grant = send(store)
    with pytest.raises(ValueError, match="only be settled"):
        store.release(grant)
    unsent = reserve(store)
    with pytest.raises(ValueError, match="after it was sent"):
        store.settle(unsent, 1, 1)


def test_an_unsent_reservation_is_released_when_its_time_is_over(store: QuotaStore, clock: Clock) -> None:
    claim = capped(concurrency=1)
    grant = reserve(store, claim)
    assert store.reserve(claim) == Refusal("concurrency")
    clock.now += 30
    assert store.mark_sent(grant) == Refusal("lease")
    assert store.standing("UTC")[LANE].day == Amount()
    reserve(store, claim)


def test_a_sent_call_that_nobody_settles_is_charged_in_full(open_store: Open, clock: Clock) -> None:
    store, claim = open_store(), capped(concurrency=1)
    grant = send(store, claim)
    clock.now += 899
    assert store.reserve(claim) == Refusal("concurrency")
    clock.now += 1
    standing = open_store().standing("UTC")[LANE]
    assert (standing.day, standing.open) == (Amount(1, 1000, 300), Amount())
    store.settle(grant, 40, 12)  # it was alive after all: the truth is better than the bound
    assert store.standing("UTC")[LANE].day == Amount(1, 40, 12)
    assert store.standing("UTC")[LANE].open == Amount()


def test_sweep_says_what_it_closed(store: QuotaStore, clock: Clock) -> None:
    reserve(store)
    send(store)
    clock.now += 1000
    swept = store.sweep()
    assert (swept.released, swept.charged) == (1, 1)
    assert store.sweep().charged == 0


def test_the_minute_slides_and_begins_when_a_call_is_sent(store: QuotaStore, clock: Clock) -> None:
    claim = capped(rpm=2)
    call(store, claim)
    late = reserve(store, claim)
    clock.now += 20
    assert store.mark_sent(late) is None
    clock.now += 39
    assert store.reserve(claim) == Refusal("rpm", 1)
    clock.now += 1
    call(store, claim)
    assert store.reserve(claim) == Refusal("rpm", 20)


def test_a_clock_that_steps_back_opens_nothing(store: QuotaStore, clock: Clock) -> None:
    claim = capped(rpm=1, daily_calls=2)
    call(store, claim)
    clock.now -= 3600
    assert store.reserve(claim) == Refusal("rpm", 60)
    clock.now -= 12 * 3600  # yesterday, by this clock
    assert store.reserve(replace(claim, caps=Caps(daily_calls=1))) == Refusal("daily_calls", 12 * 3600)
    clock.now += 13 * 3600 + 60
    call(store, claim)


def test_a_clock_that_was_days_ahead_is_an_error_and_not_a_silent_stop(store: QuotaStore, clock: Clock) -> None:
    clock.now += 3 * 86400
    call(store)
    clock.now -= 3 * 86400
    with pytest.raises(Exception, match="72 h ahead"):
        store.reserve(CLAIM)


def test_the_day_ends_at_midnight_of_the_policys_time_zone(store: QuotaStore, clock: Clock) -> None:
    zone = "America/Sao_Paulo"
    clock.now = datetime(2026, 3, 15, 23, 59, 30, tzinfo=ZoneInfo(zone)).timestamp()
    claim = replace(capped(daily_calls=1), timezone=zone)
    call(store, claim)
    assert store.reserve(claim) == Refusal("daily_calls", 30)
    clock.now += 30
    call(store, claim)
    assert [(d.day, d.used.calls) for d in store.history() if d.lane == LANE] == [
        ("2026-03-15", 1),
        ("2026-03-16", 1),
    ]


def test_a_reservation_of_yesterday_is_not_sent_today(store: QuotaStore, clock: Clock) -> None:
    clock.now += 12 * 3600 - 5
    claim = capped(daily_calls=1)
    grant = reserve(store, claim)
    clock.now += 5
    assert store.mark_sent(grant) == Refusal("lease")
    call(store, claim)
    assert store.reserve(claim) == Refusal("daily_calls", 24 * 3600)


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_a_daylight_saving_day_has_its_own_length(
    store: QuotaStore, clock: Clock, month: int, day: int, hours: int
) -> None:
    clock.now = datetime(2026, month, day, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    claim = replace(capped(daily_calls=1), timezone="Europe/Berlin")
    call(store, claim)
    assert store.reserve(claim) == Refusal("daily_calls", hours * 3600)
    clock.now += hours * 3600 - 1
    assert store.reserve(claim) == Refusal("daily_calls", 1)
    clock.now += 1
    call(store, claim)


def test_another_time_zone_counts_the_same_calls_in_its_own_days(store: QuotaStore, clock: Clock) -> None:
    clock.now = datetime(2026, 3, 15, 14, tzinfo=ZoneInfo("UTC")).timestamp()
    call(store)  # 23:00 of the 15th in Tokyo
    clock.now += 2 * 3600
    call(store)  # 01:00 of the 16th
    tokyo = replace(capped(daily_calls=2), timezone="Asia/Tokyo")
    call(store, tokyo)
    assert store.reserve(tokyo) == Refusal("daily_calls", 23 * 3600)
    assert isinstance(store.reserve(capped(daily_calls=3)), Refusal)  # and back: all three are of the UTC day
    call(store, capped(daily_calls=4))


def test_cooldown_is_shared_and_only_grows(open_store: Open, clock: Clock) -> None:
    one, other = open_store(), open_store()
    held = reserve(other)
    one.cool(LANE, 7, "retry_after")
    one.cool(LANE, 3, "rate_limit")
    clock.now += 6.5
    assert other.reserve(CLAIM) == Refusal("cooldown", 0.5)
    assert other.mark_sent(held) == Refusal("cooldown", 0.5)  # reserved before the 429: not sent either
    assert other.standing("UTC")[LANE].cause == "retry_after"
    assert other.standing("UTC")[LANE].day == Amount()
    clock.now += 0.5
    call(other)


def test_after_failures_in_a_row_one_call_at_a_time_until_one_succeeds(open_store: Open) -> None:
    one, other = open_store(), open_store()
    assert [one.failed(LANE) for _ in range(5)] == [1, 2, 3, 4, 5]
    probe = send(other)
    assert one.reserve(CLAIM) == Refusal("circuit_open")
    other.settle(probe, 1, 1, answered=True)
    assert one.standing("UTC")[LANE].failures == 0
    reserve(one)
    reserve(one)


def test_runs_have_budgets_of_their_own(store: QuotaStore) -> None:
    claim = capped(budget_run_usd_micros=300)
    call(store, claim)
    assert store.reserve(claim) == Refusal("budget.run_usd")
    call(store, replace(claim, run="run-2"))


def test_closed_calls_are_dropped_after_two_days_and_the_days_usage_is_kept(
    open_store: Open, clock: Clock
) -> None:
    call(open_store())
    clock.now += 3 * 86400
    store = open_store()
    assert [(d.day, d.lane, d.used.calls) for d in store.history()] == [
        ("2026-03-15", WORKSPACE, 1),
        ("2026-03-15", LANE, 1),
    ]
    clock.now += 401 * 86400
    assert open_store().history() == ()


def test_threads_share_one_store(store: QuotaStore) -> None:
    claim = capped(daily_calls=10)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: store.reserve(claim), range(40)))
    assert sum(isinstance(answer, Grant) for answer in answers) == 10
