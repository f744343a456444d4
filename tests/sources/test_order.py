"""Where an increment may stop, whatever order and rhythm a vendor has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sources.loke.fields import CUSTOMERS
from sources.order import Marks, NewestFirst
from sources.paging import Page

T0 = datetime(2026, 5, 2, 12, tzinfo=UTC)
LAG = timedelta(seconds=10)
SECONDS = st.lists(st.none() | st.integers(-60, 60), max_size=40)


def _pages(seconds, size):
    records = [
        {"id": str(i)}
        | ({} if at is None else {"updatedAt": f"{T0 + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}"})
        for i, at in enumerate(seconds)
    ]
    return [Page(records[i : i + size], "more", T0) for i in range(0, len(records), size)]


@given(SECONDS, st.integers(1, 7), st.booleans())
def test_stopping_early_never_leaves_a_newer_record_behind(seconds, size, newest_first):
    """Where the walk stops without a broken order, nothing unread is at or above the bound."""
    if newest_first:
        seconds = sorted(seconds, key=lambda at: (at is not None, at), reverse=True)
    pages = _pages(seconds, size)
    order = NewestFirst(CUSTOMERS, T0, T0 - LAG)
    for index, page in enumerate(pages):
        if order.enough(page):
            unread = [at for at in seconds[(index + 1) * size :] if at is not None]
            if newest_first:
                assert not order.broken
                assert all(at < -10 for at in unread)
            return


@given(st.lists(st.integers(-60, 60), min_size=2, max_size=40), st.integers(1, 7))
def test_rising_order_is_never_taken_for_newest_first(seconds, size):
    """Read in rising order, the walk ends as broken, or reads on to the end."""
    seconds = sorted(seconds)
    order = NewestFirst(CUSTOMERS, T0, T0 - LAG)
    for index, page in enumerate(_pages(seconds, size)):
        if order.enough(page):
            unread = seconds[(index + 1) * size :]
            assert order.broken or all(at < -10 for at in unread)
            return


@given(SECONDS, st.integers(1, 7))
def test_watermark_is_the_lower_of_start_and_newest(seconds, size):
    """Invariant 1: no later than the start by the vendor's clock, nor than any stamp seen."""
    place: dict[str, object] = {}
    marks = Marks(CUSTOMERS, place)
    for page in _pages(seconds, size):
        marks.see(page, T0 + timedelta(hours=1))
    stamped = [at for at in seconds if at is not None]
    expected = T0 + timedelta(seconds=min(0, max(stamped))) if stamped else None
    assert marks.watermark() == expected
