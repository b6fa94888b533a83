"""Calendar days: every instant is in one, they abut, and none opens twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm.ledger.days import Days

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Pacific/Apia",
    "America/St_Johns",
    "Africa/Cairo",
]
INSTANTS = st.floats(0, 4e9, allow_nan=False)


@given(zone=st.sampled_from(ZONES), instant=INSTANTS)
def test_each_instant_is_in_its_day_and_days_abut(zone: str, instant: float) -> None:
    before, day, after = Days(zone).around(instant)
    assert day.starts_at <= instant < day.ends_at
    assert before.ends_at == day.starts_at
    assert day.ends_at == after.starts_at
    assert before.label < day.label < after.label


@given(zone=st.sampled_from(ZONES), one=INSTANTS, other=INSTANTS)
def test_what_was_asked_before_does_not_matter(zone: str, one: float, other: float) -> None:
    days = Days(zone)
    days.at(one)
    assert days.at(other) == Days(zone).at(other)


@pytest.mark.parametrize(
    ("zone", "instant", "hours"),
    [
        ("Europe/Berlin", 1_774_742_400, 23),
        ("Europe/Berlin", 1_792_886_400, 25),
        ("America/Sao_Paulo", 1_541_300_400, 23),
    ],
)
def test_a_day_is_as_long_as_its_clock_made_it(zone: str, instant: float, hours: int) -> None:
    day = Days(zone).at(instant)
    assert (day.ends_at - day.starts_at) / 3600 == hours
