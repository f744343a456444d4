"""Collins' customers where they are too many for one list: slices of days, and who is in none."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest

from simulator import MISSING
from sources.job import Window
from tests.conftest import NOON
from tests.sources.collins_bench import TENANT, Bench

LIST = r"/customers\?"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def most(monkeypatch):
    """Slices of thirty instead of nine thousand."""
    monkeypatch.setattr("sources.collins.reading.MOST", 30)


@pytest.mark.parametrize("form", ["error", "empty"])
def test_no_list_is_read_deeper_than_a_slice(form):
    """Case 24: a window that ends where slices do is never met: no page beyond it, no refusal."""
    bench = Bench(customers=100, page_size=10, hit_window=30, hit_window_form=form)
    assert bench.sync() == 0
    bench.assert_true()
    sliced = bench.lines("_to") + bench.lines("_from")
    assert max(int(line.rpartition("=")[2]) for line in sliced) == 3
    assert {seen.status for seen in bench.sim.requests if seen.query in sliced} == {200}
    assert bench.report().vendor_total == len(bench.ids)


@pytest.mark.parametrize("null_last", [True, False])
@pytest.mark.parametrize("created", [True, False])
def test_customers_without_a_stamp_are_found_at_either_end(null_last, created, caplog):
    """Case 12: slices lose them, the totals tell, and the ends of an order have them."""
    bench = Bench(customers=100, page_size=10, null_last=null_last)
    for customer_id in bench.ids[10:35]:
        unkept = {} if created else {"created_date": None}
        bench.change(customer_id, last_updated=MISSING, **unkept)
    with caplog.at_level(logging.INFO):
        assert bench.sync() == 0
    bench.assert_true()
    assert "null_cursor=25 records without a stamp" in caplog.text
    assert "days of creation" not in caplog.text


def test_customers_without_a_stamp_beyond_the_window_are_found_by_their_creation(caplog):
    """Where no end of the order can be paged to, days of creation have them."""
    bench = Bench(customers=100, page_size=10, hit_window=40)
    for customer_id in bench.ids[10:25]:
        created = bench.vendor.customer(TENANT, customer_id).get("created_date")
        bench.change(
            customer_id, last_updated=MISSING, created_date=created or "2020-01-01 00:00:00"
        )
    with caplog.at_level(logging.INFO):
        assert bench.sync() == 0
    bench.assert_true()
    assert caplog.text.count("reading by days of creation") == 1


@pytest.mark.parametrize("status", [422, 404, 500])
def test_page_too_deep_to_be_shown_is_not_the_end_of_the_scan(status):
    """However a vendor refuses the last page of a long list, other ways are tried."""
    bench = Bench(customers=100, page_size=10)
    for customer_id in bench.ids[10:25]:
        bench.change(customer_id, last_updated=MISSING, created_date="2020-01-01 00:00:00")
    bench.sim.fault(r"customers\?limit=30&sort=-\w+&page=[4-9]", times=None, status=status)
    assert bench.sync() == 0
    bench.assert_true()


def test_customers_that_cannot_be_reached_are_told_of_and_nobody_is_removed():
    """No stamp at all, and the window ends before them: 4, what is shown stays, nothing is owed."""
    bench = Bench(customers=100, page_size=10, hit_window=40)
    unseen = bench.ids[10:25]
    for customer_id in unseen:
        bench.change(customer_id, last_updated=MISSING, created_date=None)
    gone = bench.ids[0]
    assert bench.sync() == 4
    assert "counts more customers than it shows" in str(bench.job.errors[0])
    assert bench.lost() == set(unseen)
    assert "watermark" not in bench.state["customers"]["tenants"][TENANT]
    bench.delete(gone)
    assert bench.sync() == 4
    assert bench.removed() == set()
    bench.switch(hit_window=None)
    assert bench.sync() == 0
    bench.assert_true()


def test_day_that_holds_more_than_a_slice_is_read_by_creation():
    """A bulk update stamps all alike: the day is split by the other stamp, and all are found."""
    bench = Bench(customers=100, page_size=10, hit_window=60, null_last=False)
    bench.sync()
    for customer_id in bench.ids:
        bench.change(customer_id, last_name="Bulk")
    bench.later(hours=1)
    assert bench.sync() == 0
    assert bench.report().kind == "incremental"
    bench.assert_true()
    assert bench.lines("created_date_from")


def test_what_came_while_slices_were_read_is_not_lost():
    """Older days first: who is touched leaves an unread day for the newest, read at the end."""
    for nth in (3, 7, 12):
        bench = Bench(customers=100, page_size=10)
        bench.sim.before(LIST, nth, lambda bench=bench: bench.vendor.touch(TENANT, 20))
        assert bench.sync() == 0
        bench.later(hours=1)
        assert bench.sync() == 0
        bench.assert_true()


def test_filter_that_does_nothing_is_given_up_and_the_other_stamp_slices():
    """Every slice by the change stamp would be the whole list: they are by creation instead."""
    bench = Bench(customers=100, page_size=10, filter_ignored=True)
    assert bench.sync() == 0
    bench.assert_true()
    by_change = [line for line in bench.lines("limit=30") if "last_updated_" in line]
    assert len(by_change) <= 2
    bench.later(hours=1)
    bench.change(bench.ids[3], last_name="Newest")
    assert bench.sync() == 0
    assert bench.report().kind == "incremental"
    assert len(bench.lines()) == 1
    bench.assert_true()


@pytest.mark.parametrize("filter_zone", ["America/Los_Angeles", "Pacific/Tongatapu"])
def test_filter_by_days_of_another_zone_is_not_taken_for_one_that_does_nothing(filter_zone, caplog):
    """Whose stamp is hours from the days asked for is within them somewhere on earth."""
    bench = Bench(customers=80, page_size=10, filter_zone=filter_zone)
    for at, customer_id in enumerate(bench.ids):
        stamp = NOON - at * DAY / 2 - 9 * DAY / 24
        bench.change(customer_id, last_updated=f"{stamp:%Y-%m-%d %H:%M:%S}")
    with caplog.at_level(logging.INFO):
        assert bench.sync() == 0
    assert "reading by slices of days" in caplog.text
    assert "does nothing" not in caplog.text
    bench.assert_true()


WINDOW = Window(NOON - 400 * DAY, NOON - 200 * DAY)


@pytest.mark.parametrize("switches", [{}, {"filter_ignored": True}, {"hit_window": 30}], ids=str)
def test_backfill_reads_who_changed_or_was_created_in_its_window(switches):
    """A window is asked for by both stamps, a day wider; nothing newer is replaced."""
    bench = Bench(customers=100, page_size=10, **switches)
    bench.sync()
    state = bench.state["customers"]["tenants"][TENANT]
    window = (f"{WINDOW.since:%Y-%m-%d}", f"{WINDOW.until:%Y-%m-%d}")
    silent = [one for one in bench.ids if _is_within(bench.vendor.customer(TENANT, one), *window)]
    assert silent
    for customer_id in silent:
        bench.change(customer_id, _touch=False, last_name="Silent")
    assert bench.sync() == 0
    assert bench.lost() == set(silent)
    assert bench.sync(window=WINDOW) == 0
    assert bench.lost() == set()
    now = bench.state["customers"]["tenants"][TENANT]
    assert {now[name] == state[name] for name in ("watermark", "full_at")} == {True}
    if not switches:
        asked = {re.sub(r"&sort.*", "", line) for line in bench.lines("limit=30")}
        begins, ends = WINDOW.since.date() - DAY, WINDOW.until.date() + DAY
        for name in ("last_updated", "created_date"):
            assert f"limit=30&{name}_from={begins}&{name}_to={ends}" in asked


def _is_within(record, since, until):
    stamps = (record.get("last_updated"), record.get("created_date"))
    return any(stamp and since <= stamp[:10] <= until for stamp in stamps)
