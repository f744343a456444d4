"""Pages of LOKE that move, lie, come twice or not at all, and what a complete scan makes of them."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from simulator.clock import stamp
from sources.job import Window
from tests.conftest import MINUTE, NOON
from tests.sources.loke import LIST, MEMBERS, ONE, Loke


@pytest.fixture
def bench(tmp_path):
    """An organisation of forty customers on pages of ten."""
    return Loke(tmp_path)


def _as_created(bench):
    """Let nobody have changed since they were created, a day after one another."""
    for age, each in enumerate(sorted(bench.ids, reverse=True), 1):
        at = stamp(NOON - timedelta(days=age))
        bench.set(each, createdAt=at, updatedAt=at)


@pytest.mark.parametrize("direction", ["ascending", "descending"])
def test_updates_between_pages_push_nobody_past_a_complete_scan(bench, direction):
    """Case 17: whoever is updated moves under `sort=updated`; the head of page 4 is not missed."""
    bench.turn(direction=direction, cursor="offset")
    newest = sorted(bench.ids, reverse=True)
    bench.before(LIST, 4, lambda: bench.stamp(newest[2:5] + newest[-3:], NOON + MINUTE))
    assert bench.sync() == 0
    assert len(bench.customers()) == 40
    assert bench.later() == 0
    bench.assert_true()
    assert len(bench.ops()) == 43


@pytest.mark.parametrize("page_size", [3, 10])
@pytest.mark.parametrize("changed", [2, 25])
def test_next_address_that_forgets_what_was_asked_loses_nobody(bench, page_size, changed):
    """Case 22: where it drops the order, what comes in another order is not taken for the end."""
    bench.turn(page_size=page_size, next_page_fault="lost_query")
    _as_created(bench)
    bench.sync()
    bench.clock.advance(timedelta(hours=1))
    bench.stamp(sorted(bench.ids)[:changed], bench.clock.now())
    assert bench.later() == 0
    bench.assert_true()


def test_backfill_that_has_to_read_everything_goes_on_with_that(bench):
    """Case 58: resumed where it read in another order, it takes no old page for its end."""
    bench.keeps = True
    _as_created(bench)
    bench.sync()
    bench.turn(direction="ascending")
    oldest = min(bench.ids)
    bench.loke.update_statistics(bench.org, oldest, pointsBalance=77)
    bench.stamp([oldest], NOON)
    window = Window(NOON - timedelta(hours=1), None)
    bench.sim.fault(LIST, nth=4, times=5, status=500)
    assert bench.sync(window=window, pages=1) == 75
    assert bench.later(window=window, pages=1) == 0
    assert bench.count(LIST) == 2
    bench.assert_true()
