import pytest

from tidings import Entry, Feed, parse
from tidings.entry import BadEntry


def entry(day, **fields):
    return parse({"title": f"Day {day}", "published": f"2024-05-0{day}", **fields})


def test_blanks_in_a_title_are_folded():
    assert entry(1, title="  A\n long\ttitle ").title == "A long title"


def test_a_date_without_a_zone_is_utc():
    assert entry(1).published.isoformat() == "2024-05-01T00:00:00+00:00"


@pytest.mark.parametrize("raw", [{}, {"title": None}, {"title": "x", "published": "soon"}])
def test_a_broken_entry_is_refused(raw):
    with pytest.raises(BadEntry):
        parse(raw)


def test_newest_first():
    feed = Feed([entry(1), entry(3), entry(2)])
    assert [e.title for e in feed.newest(2)] == ["Day 3", "Day 2"]


def test_the_same_entry_counts_once():
    feed = Feed([entry(1), entry(1, tags="Weather")])
    assert len(feed) == 1
    assert [isinstance(e, Entry) for e in feed.tagged("weather")] == [True]
