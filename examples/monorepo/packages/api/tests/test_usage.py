from datetime import date

import pytest
from meter import Reading, Usage, in_order, monthly, report

READINGS = [
    Reading(date(2024, 2, 1), 1180),
    Reading(date(2024, 1, 1), 1000),
    Reading(date(2024, 2, 15), 1230),
    Reading(date(2024, 3, 1), 1310),
]


def test_readings_are_put_in_order():
    assert [reading.kwh for reading in in_order(READINGS)] == [1000, 1180, 1230, 1310]


def test_a_meter_never_runs_backwards():
    with pytest.raises(ValueError, match="2024-03-02"):
        in_order([*READINGS, Reading(date(2024, 3, 2), 1309)])


def test_use_belongs_to_the_month_of_the_later_reading():
    assert monthly(READINGS) == [Usage("2024-02", 230), Usage("2024-03", 80)]


def test_one_reading_is_no_use():
    assert monthly(READINGS[:1]) == []


def test_the_report_is_json():
    assert report(READINGS) == '[{"month": "2024-02", "kwh": 230}, {"month": "2024-03", "kwh": 80}]'


def test_an_empty_report():
    assert report([]) == "[]"
