"""Collins when it refuses, fails or talks nonsense, and scans that go on where one ended."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from sources.collins.fields import SHAPES
from tests.conftest import NOON
from tests.sources.collins_bench import TENANT, Bench

LIST = r"/customers\?"
HOUR = timedelta(hours=1, seconds=1)
"""Until the first request counts no more; told in whole seconds, rounded up."""


def _pages(bench):
    """Return the numbers of the pages the last sync asked for."""
    return [int(line.rpartition("=")[2]) for line in bench.lines("limit=30")]


def test_quota_that_is_used_up_ends_the_run_and_the_next_goes_on(tmp_path):
    """The hour's last request is known: none is refused, 75 is said, no page is asked for twice."""
    bench = Bench(tmp_path, page_size=10, rate_limit=6)
    asked, codes = [], []
    while not codes or codes[-1]:
        codes.append(bench.sync())
        asked += _pages(bench)
        assert {seen.status for seen in bench.sim.requests} == {200}
        assert len(bench.sim.requests) <= 6
        assert not codes[-1] or bench.job.errors[0].resume_at == bench.clock.now() + HOUR
        bench.clock.advance(HOUR)
    assert codes == [75] * 3 + [0]
    assert asked == list(range(1, 13))
    bench.assert_true()


@pytest.mark.parametrize(
    "form", ["reset_iso", "reset_epoch", "retry_after", "retry_after_date", "retry_after_zero"]
)
def test_quota_that_others_used_up_is_waited_for_in_whatever_form_it_is_told(form):
    """Nothing is asked until the refusal's moment; a zero is not believed, the hour is."""
    bench = Bench(customers=20, rate_limit=20, rate_limit_header=form)
    other = httpx.Client(
        transport=bench.sim.transport(),
        headers={"Authorization": f"Bearer {bench.vendor.token(TENANT)}"},
    )
    for _ in range(20):
        other.get(f"{bench.vendor.base_url}/customers")
    assert bench.sync(max_wait_seconds=2 * 3600) == 0
    assert [seen.status for seen in bench.sim.requests].count(429) == 1
    assert NOON + timedelta(hours=1) <= bench.clock.now() <= NOON + HOUR


def test_quota_is_waited_for_where_the_run_may_take_so_long():
    """With patience for an hour and more, one run reads all, pausing until each reset."""
    bench = Bench(page_size=10, rate_limit=8)
    assert bench.sync(max_wait_seconds=4 * 3600) == 0
    assert {seen.status for seen in bench.sim.requests} == {200}
    assert bench.clock.now() == NOON + 2 * HOUR
    bench.assert_true()


def test_quota_smaller_than_what_is_to_be_confirmed_is_spent_on_each_once(tmp_path):
    """Who is missing is asked for by address: what was confirmed is kept for the next run."""
    bench = Bench(tmp_path, customers=60, rate_limit=1000)
    bench.sync()
    gone = bench.ids[:25]
    bench.delete(*gone)
    bench.later(hours=2)
    bench.switch(rate_limit=12)
    codes, confirmed = [], []
    for full in (True, False, False):
        codes.append(bench.sync(full=full))
        confirmed += [seen.path for seen in bench.sim.requests if seen.status == 404]
        bench.clock.advance(HOUR)
    assert codes == [75, 75, 0]
    assert len(confirmed) == len(set(confirmed)) == len(gone)
    bench.assert_true()


def test_quota_that_no_header_tells_of_is_met_and_the_next_run_goes_on(tmp_path):
    """Without a word about when, a refused run ends after a few tries, at its checkpoint."""
    bench = Bench(tmp_path, page_size=10, rate_limit=8, rate_limit_header="none")
    assert bench.sync(max_wait_seconds=100) == 75
    assert _pages(bench)[:8] == list(range(1, 9))
    bench.later(hours=2)
    assert bench.sync(max_wait_seconds=100) == 75
    assert _pages(bench)[0] == 9
    bench.later(hours=2)
    assert bench.sync() == 0
    bench.assert_true()


FAULTS = [{"status": 500}, {"drop": True}, {"truncate": True}, {"hang": True}]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_page_that_does_not_come_is_tried_again_and_then_left_to_the_next_run(fault, tmp_path):
    """Five tries; what was read stays, nobody is removed, and the next run begins at that page."""
    bench = Bench(tmp_path, page_size=10)
    bench.sync()
    bench.delete(bench.ids[0])
    bench.sim.fault(f"{LIST}.*page=4", times=5, **fault)
    assert bench.sync(full=True, pages=2) == 75
    assert bench.sim.count(f"{LIST}.*page=4") == 5
    assert bench.removed() == set()
    bench.later(hours=1)
    assert bench.sync() == 0
    assert (_pages(bench)[0], bench.report().kind) == (4, "full")
    bench.assert_true()


def test_scan_whose_memory_is_lost_begins_anew(tmp_path):
    """A worker without the file of the last run reads from page one, to the same end."""
    bench = Bench(tmp_path, page_size=10)
    bench.sim.fault(f"{LIST}.*page=7", times=5, status=503)
    assert bench.sync(pages=1) == 75
    for path in tmp_path.iterdir():
        path.unlink()
    assert bench.sync() == 0
    assert _pages(bench)[0] == 1
    bench.assert_true()


CUTS = [({}, 3), ({}, 8), ({}, 15), ({"totals": "missing"}, 8), ({"sort_ignored": True}, 8)]


@pytest.mark.parametrize(("switches", "nth"), CUTS, ids=str)
def test_scan_by_slices_that_is_cut_short_anywhere_goes_on(switches, nth, tmp_path, monkeypatch):
    """Slices that were read are not read again; at the end all are there, and none was removed."""
    monkeypatch.setattr("sources.collins.reading.MOST", 30)
    bench = Bench(tmp_path, customers=70, page_size=10, **switches)
    bench.sim.fault(LIST, nth=nth, times=5, status=500)
    assert bench.sync(pages=1) == 75
    asked = bench.lines("_from")[:-5]
    assert bench.sync(pages=1) == 0
    bench.assert_true()
    assert bench.removed() == set()
    again = set(asked) & set(bench.lines("_from"))
    # But for pages of the slice it failed in, where the order cannot be trusted.
    assert len(again) <= (3 if "sort_ignored" in switches else 0)


@pytest.mark.parametrize("beyond", ["empty", "error", "last"])
def test_scan_goes_on_though_its_page_is_there_no_more(beyond, tmp_path):
    """Between two runs half of the customers went: the page to go on with is beyond the last."""
    bench = Bench(tmp_path, customers=120, page_size=10, beyond_last=beyond)
    bench.sync()
    ids = bench.ids
    bench.sim.fault(f"{LIST}.*page=9", times=5, status=500)
    assert bench.sync(full=True, pages=1) == 75
    bench.delete(*ids[::2])
    bench.change(ids[1], last_name="Changed")
    bench.later(hours=1)
    assert [bench.sync(), bench.sync()] == [0, 0]
    assert bench.lost() == set()
    assert bench.sync(full=True, allow_mass_delete=True) == 0
    bench.assert_true()


def test_scan_in_another_order_than_asked_for_goes_on_from_its_first_page(tmp_path):
    """Oldest first, one who came since stands for one who went: no total tells, nobody is lost."""
    bench = Bench(tmp_path, customers=60, page_size=10, sort_ignored=True)
    bench.strip()
    bench.sim.fault(f"{LIST}.*page=4", times=5, status=500)
    assert bench.sync(pages=1) == 75
    kept = {one: bench.vendor.customer(TENANT, one)["created_date"] for one in bench.ids}
    bench.delete(min(filter(kept.get, kept), key=kept.__getitem__))
    bench.later(hours=1)
    bench.create()
    assert [bench.sync(), bench.sync()] == [0, 0]
    assert bench.lost() == set()


@pytest.mark.parametrize(
    "body",
    ["<html>", '{"customers":[', '{"error":"x"}', '{"customers":[1]}'],
)
def test_wrong_payload_is_tried_again_and_publishes_nothing(body):
    """Case 27: 200 with a body that is none, three times, ends the scan; a rerun is as ever."""
    bench = Bench(customers=60, page_size=10)
    bench.sim.fault(f"{LIST}.*page=3", body=body)
    assert bench.sync() == 0
    before, state = bench.rows(), bench.state["customers"]
    bench.change(bench.ids[0], last_name="Changed")
    bench.delete(bench.ids[1])
    bench.sim.fault(f"{LIST}.*page=2", times=3, body=body)
    assert bench.sync(full=True) == 4
    assert (bench.rows(), bench.state["customers"]) == (before, state)
    assert bench.sync(full=True) == 0
    bench.assert_true()


@pytest.mark.parametrize(("status", "code"), [(401, 3), (403, 3), (422, 4), (404, 4), (302, 4)])
def test_refused_list_ends_the_scan_with_what_the_operator_does_next(status, code):
    """The token, a permission, or a question the vendor takes no more; nothing is concluded."""
    bench = Bench(customers=60)
    bench.sync()
    before = bench.rows()
    bench.sim.fault(LIST, times=None, status=status)
    assert bench.sync(full=True) == code
    assert bench.rows() == before


def test_customer_whose_own_address_fails_stands_and_the_others_are_judged():
    """Of three that are gone, one cannot be asked for: two end, the next complete scan asks."""
    bench = Bench(customers=60)
    bench.sync()
    gone = bench.ids[:3]
    bench.delete(*gone)
    bench.sim.fault(f"/customers/{gone[1]}", times=5, status=500)
    assert bench.sync(full=True) == 75
    assert bench.removed() == {gone[0], gone[2]}
    assert bench.sync(full=True) == 0
    bench.assert_true()


def test_one_address_that_never_answers_makes_no_run_a_complete_one():
    """The scan that found it is complete; the next are increments, not complete again and again."""
    bench = Bench(customers=60)
    bench.sync()
    gone = bench.ids[:3]
    bench.delete(*gone)
    bench.sim.fault(f"/customers/{gone[1]}", times=None, status=500)
    assert bench.sync(full=True) == 75
    assert (bench.report().kind, bench.report().complete) == ("full", True)
    bench.later(hours=1)
    assert bench.sync() == 0
    assert (bench.report().kind, bench.report().complete) == ("incremental", True)


def test_venue_that_cannot_be_asked_for_leaves_the_others_judged():
    """One venue's address answers nonsense; the other that is gone ends all the same."""
    bench = Bench(customers=60)
    bench.shapes = SHAPES
    bench.sync()
    first, second = bench.vendor.venue_ids(TENANT)[:2]
    for venue_id in (first, second):
        del bench.vendor.world[TENANT].venues[venue_id]
    bench.sim.fault(f"/venues/{first}$", times=3, status=200, body="<html>")
    assert bench.sync() == 4
    assert second not in {name for (name,) in bench.log.now("venues")}
    assert first in {name for (name,) in bench.log.now("venues")}
    assert bench.sync() == 0
    assert first not in {name for (name,) in bench.log.now("venues")}


def test_values_that_are_not_what_they_should_be_cost_themselves_alone():
    """A record without id, stamps that are none, a label that is none: the others are as ever."""
    bench = Bench(customers=60)
    kept = bench.create(labels=["Kept", 7, "", None], marketing_preferences=[{"id": None}])
    spoilt = {"last_updated": "0000-00-00 00:00:00", "created_date": 7, "company_address": "Row"}
    bench.change(bench.ids[0], associated_venues="all", bookings={"id": "1"}, **spoilt)
    key = f'"id":"{bench.ids[5]}"'.encode()
    bench.sim.fault(LIST, times=None, body=lambda body: body.replace(key, b'"id":null'))
    assert bench.sync() == 0
    assert len(bench.customers()) == len(bench.ids) - 1
    assert bench.log.now("customer_labels", "id", f"customer_id = '{kept}'") == [("Kept",)]
    assert bench.log.now("customers", "created_date", f"id = '{bench.ids[0]}'") == [(None,)]
    bench.sim.clear_faults()
    assert bench.sync(full=True) == 0
    assert bench.lost() == set()
