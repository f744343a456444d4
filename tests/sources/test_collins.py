"""Collins' unknowns: whichever way the vendor turns out to be, the log comes right."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path

import pytest

from simulator import MISSING, CollinsSwitches
from sources.collins.fields import SHAPES
from tests.sources.collins_bench import TENANT, Bench


def test_every_switch_is_turned_somewhere():
    """No unknown of the vendor without a test that names it."""
    here = Path(__file__).parent
    text = "".join(path.read_text() for path in here.glob("test_collins*.py"))
    assert [each.name for each in fields(CollinsSwitches) if not _turned(each.name, text)] == []


def _turned(name, text):
    return f'"{name}"' in text or f"{name}=" in text


ALONE = [
    {"page_size": 30},
    {"page_size": 7},
    {"beyond_last": "error"},
    {"beyond_last": "last"},
    {"hit_window": 30, "hit_window_form": "error"},
    {"hit_window": 30, "hit_window_form": "empty"},
    {"totals": "missing"},
    {"total_cap": 30},
    {"null_last": False},
    {"ties": "shuffled"},
    {"sort_ignored": True},
    {"filter_ignored": True},
    {"zone": "Europe/London"},
    {"filter_zone": "Europe/London"},
    {"filter_zone": "Pacific/Tongatapu"},
    {"filter_zone": "America/Los_Angeles"},
    {"absent": "null"},
    {"absent": "empty"},
    {"dob_time": True},
    {"extra_field": True},
    {"booking_touches": True},
    {"consent_touches": False},
    {"date_header": False},
    {"gone_status": 410},
]
TOGETHER = [
    {"totals": "missing", "beyond_last": "last", "page_size": 17, "ties": "shuffled"},
    {"totals": "missing", "beyond_last": "error", "page_size": 17, "date_header": False},
    {"totals": "missing", "sort_ignored": True, "filter_ignored": True, "absent": "null"},
    {"total_cap": 10, "beyond_last": "last", "null_last": False, "gone_status": 410},
    {"total_cap": 20, "sort_ignored": True, "filter_zone": "America/Los_Angeles"},
    {"hit_window": 40, "filter_ignored": True, "null_last": False, "absent": "empty"},
    {"hit_window": 30, "hit_window_form": "empty", "ties": "shuffled", "beyond_last": "error"},
    {"sort_ignored": True, "filter_ignored": True, "zone": "Europe/London", "null_last": False},
    {"zone": "Europe/London", "filter_zone": "Pacific/Tongatapu", "consent_touches": False},
]


@pytest.mark.parametrize("switches", ALONE + TOGETHER, ids=str)
def test_whichever_way_the_vendor_is_every_scan_tells_the_truth(switches):
    """Cases 23, 24: first load, increment, complete scan: all that there is, and no row more."""
    bench = Bench(customers=60, **{"page_size": 10} | switches)
    assert bench.sync() == 0
    bench.assert_true()
    _change(bench)
    bench.later(minutes=1)
    assert bench.sync() == 0
    assert (bench.report().kind, bench.report().rows_changed) == ("incremental", 5)
    bench.assert_true()
    bench.later(hours=1)
    _change_silently(bench)
    assert bench.sync(full=True) == 0
    bench.assert_true()


def _change(bench):
    """Change a little of everything, all of it stamped."""
    ids, venues = bench.ids, bench.vendor.venue_ids(TENANT)
    bench.change(ids[4], last_name="Second", email="", dob=None)
    bench.change(ids[5], labels=["Fresh", "VIP"], associated_venues=venues[:1])
    bench.change(ids[6], company="Quill", company_address={"street": "2 Test Row"})
    bench.vendor.set_preference(
        TENANT, ids[7], bench.vendor.preference_ids(TENANT)[1], opted_in=True
    )
    bench.change(ids[7], first_name="Known")
    bench.create(labels=["vip", "A,B"])


def _change_silently(bench):
    """Change what only a complete scan can find."""
    ids = bench.ids
    bench.delete(ids[3], ids[9])
    bench.vendor.add_booking(TENANT, ids[10])
    bench.vendor.set_preference(
        TENANT, ids[11], bench.vendor.preference_ids(TENANT)[0], opted_in=True
    )
    bench.vendor.rename_label(TENANT, "VIP", "Very")
    bench.change(ids[12], _touch=False, last_name="Silent")
    bench.create(last_updated=MISSING)


MET = [
    ({"filter_ignored": True}, False, "the filter by last_updated does nothing"),
    ({"sort_ignored": True}, True, "not in the order asked for"),
    ({"totals": "missing"}, True, "no totals are told"),
    ({"total_cap": 30}, True, "there are more than the vendor counts"),
    ({"hit_window": 30}, True, "pages end before the customers do"),
    ({}, True, "null_cursor=2 records without a stamp"),
]


@pytest.mark.parametrize(("switches", "full", "told"), MET, ids=str)
def test_what_the_vendor_does_otherwise_is_said_once(switches, full, told, caplog):
    """Who reads the log learns which unknown was met; where it is as hoped, nothing is said."""
    bench = Bench(customers=60, page_size=10, **switches)
    for customer_id in bench.ids[:2]:
        bench.change(customer_id, last_updated=MISSING)
    bench.sync()
    caplog.clear()
    with caplog.at_level(logging.INFO):
        bench.sync(full=full)
        assert caplog.text.count(told) == 1
        bench.switch(**vars(CollinsSwitches(page_size=10)))
        for customer_id in bench.ids[:2]:
            bench.change(customer_id)
        caplog.clear()
        bench.sync(full=full)
        assert told not in caplog.text


@pytest.mark.parametrize("status", [403, 404])
def test_customers_we_may_not_see_are_gone_only_where_the_vendor_says_so(status):
    """A 403 keeps them; a vendor that gives nothing away calls them not found, and they end."""
    bench = Bench(customers=60, hidden_status=status)
    bench.sync()
    hidden = bench.ids[:3]
    bench.vendor.hide(TENANT, hidden)
    assert bench.sync(full=True) == 0
    assert bench.removed() == (set(hidden) if status == 404 else set())
    bench.vendor.unhide(TENANT)
    assert bench.sync(full=True) == 0
    bench.assert_true()


def test_consents_that_are_sent_no_more_stay_as_they_were():
    """A vendor that leaves `marketing_preferences` out of every record opts nobody out."""
    bench = Bench(customers=60)
    bench.sync()
    before = bench.members("customer_marketing_preferences")
    assert before
    bench.switch(preferences_field="absent")
    assert bench.sync(full=True) == 0
    assert bench.members("customer_marketing_preferences") == before
    bench.switch(preferences_field="list")
    assert bench.sync(full=True) == 0
    bench.assert_true()


def test_unknown_is_one_however_it_is_sent():
    """A field left out and one sent as null make no row of the log when one becomes the other."""
    bench = Bench(customers=60)
    bench.sync()
    before = bench.rows()
    bench.switch(absent="null")
    assert bench.sync(full=True) == 0
    assert bench.rows() == before


ZONES = [
    ("UTC", "UTC"),
    ("Europe/London", "Europe/London"),
    ("UTC", "Pacific/Tongatapu"),
    ("UTC", "America/Los_Angeles"),
]


@pytest.mark.parametrize(("zone", "filter_zone"), ZONES)
def test_change_at_any_hour_is_found_whatever_zone_days_are_of(zone, filter_zone):
    """Case 7: a filter that knows days, of a zone nobody names, loses no hour of a summer's day."""
    bench = Bench(customers=20, zone=zone, filter_zone=filter_zone)
    bench.later(hours=10)
    assert bench.sync() == 0
    # 22:30 (London 23:30), 23:30, 00:30, 03:30, 10:30, 11:00: late and early on each zone's days.
    for at, minutes in enumerate([30, 60, 60, 180, 420, 30]):
        bench.later(minutes=minutes)
        bench.change(bench.ids[at], last_name=f"At {bench.clock.now():%H:%M}")
        bench.later(seconds=1)
        assert bench.sync(full_scan_every_hours=1000) == 0
        assert bench.report().kind == "incremental"
        assert bench.lost() == set()


@pytest.mark.parametrize(
    ("lag", "day"), [(10, "2026-05-01"), (12 * 60 + 1, "2026-04-30"), (50 * 60, "2026-04-29")]
)
def test_increment_asks_from_the_day_before_the_watermarks_less_the_lag(lag, day):
    """A quiet run's requests, exactly: venues, preferences, and the pages of the last days."""
    bench = Bench()
    bench.shapes = SHAPES
    for customer_id in bench.ids[:70]:
        bench.change(customer_id)
    bench.sync()
    bench.later(hours=1)
    assert bench.sync(lag_minutes=lag) == 0
    asked = f"limit=30&last_updated_from={day}&sort=-last_updated&page="
    assert bench.lines() == [f"{asked}{page}" for page in (1, 2, 3)]
    assert len(bench.sim.requests) == 5


def test_complete_scan_asks_for_every_page_once_and_for_each_label_and_venue():
    """The requests of a complete scan under the limit of a slice, exactly."""
    bench = Bench()
    bench.sync()
    assert bench.sync(full=True) == 0
    pages = [f"limit=30&sort=-created_date&page={page}" for page in (1, 2, 3, 4)]
    assert bench.lines("limit=30") == pages
    counted = [line.split("&")[1].split("=")[0] for line in bench.lines("limit=1&")]
    assert counted == ["associated_venues"] * 4 + ["labels"] * 5
    assert bench.report().vendor_total == len(bench.ids)
