"""Where an increment of LOKE begins, and what time may do to it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from simulator import MISSING, VirtualClock
from tests.conftest import MINUTE, NOON
from tests.sources.loke import LIST, Loke

pytestmark = pytest.mark.light

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass
class Skewed:
    """Our clock, so far from the vendor's."""

    vendor: VirtualClock
    by: timedelta

    def now(self) -> datetime:
        return self.vendor.now() + self.by

    def sleep(self, seconds: float) -> None:
        self.vendor.sleep(seconds)

    def advance(self, by: timedelta) -> None:
        self.vendor.advance(by)


@pytest.fixture
def bench(tmp_path):
    """An organisation of forty customers on pages of ten, none changed in the last hours."""
    bench = Loke(tmp_path)
    bench.stamp(bench.ids, NOON - 9 * HOUR)
    return bench


def test_lag_is_read_again_to_its_end_and_all_of_it_is_compared(bench):
    """Cases 3, 4: a late row within the lag is found; one behind it, by the complete scan."""
    ids = bench.ids
    bench.set(ids[0])
    bench.stamp(ids[1:17], NOON - 5 * MINUTE)
    bench.sync()
    # Twenty fill two pages, whose last is behind the bound; the third page is not asked for.
    late = [ids[17:18], ids[18:19], ids[19:20], ids[20:21]]
    for seconds, some in zip((599, 600, 601, 602), late, strict=True):
        bench.stamp(some, NOON - seconds * SECOND)
    assert bench.later() == 0
    assert (bench.report().kind, bench.report().rows_seen) == ("incremental", 20)
    assert {key for op, key in bench.ops()[40:] if op == "upsert"} == {*ids[17:20]}
    assert bench.later(full=True) == 0
    bench.assert_true()


@pytest.mark.parametrize("ours", [0, 3, -3])
def test_customers_who_change_while_they_are_read_are_found_by_the_next_run(bench, ours, caplog):
    """Cases 5, 9: changes behind the reader and the newest stamp in front, whatever our clock."""
    bench.clock = Skewed(bench.sim.clock, ours * HOUR)
    oldest_last = sorted(bench.ids, reverse=True)

    def change(some, after):
        bench.sim.clock.advance(after)
        bench.stamp(some, bench.sim.clock.now())

    bench.before(LIST, 3, lambda: change(oldest_last[:20], HOUR))
    bench.before(LIST, 4, lambda: change(oldest_last[30:], HOUR / 2))
    assert bench.sync() == 0
    assert bench.later() == 0
    assert bench.report().kind == "incremental"
    bench.assert_true()
    assert ("the vendor's clock is 10800 s" in caplog.text) is bool(ours)


def test_stamp_of_tomorrow_is_no_place_to_begin_at(bench):
    """Case 6: a record eighteen hours ahead hides none of the changes behind it."""
    bench.stamp(bench.ids[:1], NOON + 18 * HOUR)
    bench.sync()
    bench.stamp(bench.ids[5:25], NOON)
    assert bench.later() == 0
    assert bench.report().kind == "incremental"
    bench.assert_true()


def test_bound_itself_is_read_again(bench):
    """Case 2: who shares the newest stamp and comes late is found, also without any lag."""
    bench.stamp(bench.ids[:10], NOON)
    bench.sync()
    bench.stamp(bench.ids[10:20], NOON + SECOND)
    late = bench.loke.create_customer(bench.org, id="0" * 26, updatedAt="2026-05-02T12:00:00Z")
    assert bench.later(lag_minutes=0) == 0
    assert bench.report().kind == "incremental"
    assert (bench.org, late) in bench.customers()
    bench.assert_true()


def test_fraction_of_a_second_is_never_rounded_up(bench):
    """Case 11: of two stamps within a second the later is found, also without any lag."""
    bench.turn(stamps_ms=True)
    bench.set(bench.ids[0], updatedAt="2026-05-02T12:00:00.400Z")
    bench.sync()
    for some, at in ((bench.ids[1:11], "02.000"), (bench.ids[11:21], "00.950")):
        for each in some:
            bench.set(each, updatedAt=f"2026-05-02T12:00:{at}Z", lastName=at)
    bench.set(bench.ids[21], updatedAt="2026-05-02T12:00:00.900Z", lastName="Late")
    assert bench.later(lag_minutes=0) == 0
    assert bench.report().kind == "incremental"
    bench.assert_true()


def test_customers_without_a_stamp_are_counted_and_compared(bench, caplog):
    """Case 12: no increment can place them, so complete scans compare them and say how many."""
    for each in bench.ids[:5]:
        bench.set(each, updatedAt=MISSING)
    bench.sync()
    bench.set(bench.ids[2], _touch=False, lastName="Silent")
    with caplog.at_level(logging.INFO, logger="regulars"):
        assert bench.later(full=True) == 0
    assert "null_cursor=5" in caplog.text
    bench.assert_true()
