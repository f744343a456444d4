"""Scans of Kounta that end before their end, and go on where they were."""

from __future__ import annotations

import shutil

import pytest

from sources.kounta.fields import CUSTOMERS
from tests.sources.kounta import COMPANY, DETAIL, LIST, Kounta, address_of


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of five, in a project that keeps its place."""
    bench = Kounta(tmp_path, page_size=5)
    bench.keeps = True
    return bench


@pytest.mark.parametrize("paging", ["header", "legacy"])
def test_failed_page_in_the_middle_costs_one_part(bench, paging):
    """Case 45: what was read is landed and not read again, and what changed meanwhile is found."""
    bench.turn(paging=paging)
    ids = bench.ids
    bench.sim.fault(LIST, nth=6, times=None, status=503)
    assert bench.sync(pages=2) == 75
    assert bench.customers() == set()
    assert bench.count(DETAIL) in (20, 25)
    read = bench.count(DETAIL)
    bench.sim.clear()
    bench.delete(ids[30])
    bench.set(ids[3], last_name="Meanwhile")
    bench.set(ids[35], tags=["Meanwhile"])
    late = bench.kounta.create_customer(COMPANY)
    assert bench.later(pages=2) == 0
    assert bench.count(DETAIL) == 40 - read
    assert bench.count(LIST) <= 5
    assert (COMPANY, late) in bench.customers()
    told = {report.resource: report for report in bench.job.reports}
    for child in CUSTOMERS.children:
        held = bench.log.holders(child.shape, COMPANY)
        assert told[child.shape.resource].rows_seen == sum(held.values()) > 0
    assert bench.later() == 0
    bench.assert_true()
    assert bench.removed() == []


def _sync_until_done(bench):
    """Run as a schedule would; return how many runs it took, and how many records were read."""
    runs = asked = 0
    code = 75
    while code == 75 and runs < 9:
        code = bench.later(max_wait_seconds=70)
        runs, asked = runs + 1, asked + bench.count(DETAIL)
    assert code == 0
    return runs, asked


def test_quiet_list_longer_than_the_runs_patience_comes_to_its_end(bench):
    """Though nothing is new on them, pages that were read are not read again by the next run."""
    bench.sync()
    bench.turn(page_size=2, rate_limit=6)
    bench.delete(bench.ids[2])
    runs, _ = _sync_until_done(bench)
    assert 2 <= runs <= 4
    bench.assert_true()


@pytest.mark.parametrize(("customers", "page_size"), [(40, 5), (110, 1000)])
def test_first_load_longer_than_the_runs_patience_comes_to_its_end(tmp_path, customers, page_size):
    """Full records that were read are not read again, however long the page they stand on."""
    bench = Kounta(tmp_path, customers, page_size=page_size, rate_limit=customers // 5)
    bench.keeps = True
    runs, asked = _sync_until_done(bench)
    assert 3 <= runs <= 5
    assert asked <= customers + 4 * runs
    bench.assert_true()


def test_working_folder_lost_in_the_middle_costs_time_only(bench):
    """Case 45: without its memory the scan starts over; what is landed already is no change."""
    bench.sim.fault(LIST, nth=6, times=None, status=503)
    assert bench.sync(pages=2) == 75
    shutil.rmtree(bench.folder / "scans")
    bench.sim.clear()
    assert bench.later() == 0
    assert bench.count(DETAIL) == 40
    bench.assert_true()
    assert len(bench.ops()) == 40


def test_record_that_came_after_one_that_ends_the_run_is_kept(bench):
    """Four are asked for at once: whoever answers is landed, whoever else has to wait too long."""
    slow = address_of(bench.ids[0])
    bench.sim.fault(slow, status=503, headers={"retry-after": "9999"}, delay=0.1)
    assert bench.sync() == 75
    came = len(bench.ops())
    assert came == bench.count(DETAIL) - 1 > 0
    assert bench.later() == 0
    assert bench.count(DETAIL) == 40 - came
    bench.assert_true()
