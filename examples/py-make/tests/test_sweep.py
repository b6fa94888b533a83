from datetime import date, timedelta

import pytest

from retention import Policy, sweep
from retention.sweep import newest_of_months

TODAY = date(2024, 3, 15)
DAILY = [TODAY - timedelta(days=back) for back in range(60)]


def test_the_newest_of_each_month():
    assert newest_of_months(DAILY, 2) == {TODAY, date(2024, 2, 29)}


def test_no_months_keep_nothing():
    assert newest_of_months(DAILY, 0) == set()


def test_recent_days_and_monthly_ones_stay():
    kept = sweep(DAILY, Policy(days=3, months=3), TODAY).keep
    assert kept == [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 13), date(2024, 3, 14), TODAY]


def test_all_others_go():
    result = sweep(DAILY, Policy(days=7, months=2), TODAY)
    assert len(result.keep) == 8
    assert sorted(result.keep + result.drop) == sorted(DAILY)


def test_nothing_to_sweep():
    assert sweep([], Policy(), TODAY) == ([], [])


def test_a_policy_keeps_at_least_one_day():
    with pytest.raises(ValueError, match="at least one day"):
        Policy(days=0)
