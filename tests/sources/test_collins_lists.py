"""Collins' labels, venues and consents: what a record says, what it leaves unsaid, what is gone."""

from __future__ import annotations

import logging

import pytest

from simulator import MISSING
from sources.collins.fields import SHAPES
from tests.conftest import NOON
from tests.sources.collins_bench import TENANT, Bench

LIST = r"/customers\?"
KEYS = {
    "labels": "customer_labels",
    "associated_venues": "customer_venues",
    "marketing_preferences": "customer_marketing_preferences",
}


@pytest.fixture
def bench(tmp_path):
    """Fifty customers on pages of ten, all known."""
    made = Bench(tmp_path, customers=60, page_size=10)
    made.sync()
    return made


def _labels(bench):
    return {name for (name,) in bench.log.now("labels")}


def _holder(bench, key):
    """Return a customer whose record names at least one under this key."""
    return next(one for one in bench.ids if bench.vendor.customer(TENANT, one).get(key))


def test_labels_are_told_apart_by_their_exact_text(bench):
    """Case 38: another case, a comma, an emoji, a space at the end: each is a label of its own."""
    names = ["VIP", "vip", "A,B", "A", "B", "Wine club 🍷", "Wine club", "VIP "]
    for at, name in enumerate(names):
        bench.change(bench.ids[at], labels=[name])
    bench.sync()
    bench.assert_true()
    assert set(names) <= _labels(bench)
    rows = bench.rows()
    assert bench.sync(full=True) == 0
    assert bench.rows() == rows


@pytest.mark.parametrize("touch", [True, False])
def test_label_renamed_moves_all_who_have_it(bench, touch):
    """The old one ends with its last member, the new one begins with its first."""
    members = {one for name, one in bench.members("customer_labels") if name == "Regular Customer"}
    bench.later(minutes=1)
    bench.vendor.rename_label(TENANT, "Regular Customer", "Regular", _touch=touch)
    assert bench.sync(full=not touch) == 0
    bench.assert_true()
    assert {one for name, one in bench.members("customer_labels") if name == "Regular"} == members
    assert "Regular Customer" not in _labels(bench)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("pages", [1, 200])
def test_label_is_a_list_from_its_first_member_to_its_last(bench, full, pages):
    """Appears and vanishes with them, in an increment and a complete scan, over checkpoints too."""
    first, last = bench.ids[2], bench.ids[40]
    bench.later(minutes=1)
    bench.change(first, labels=["Brief"])
    bench.sync(full=full, pages=pages)
    assert "Brief" in _labels(bench)
    bench.later(minutes=1)
    bench.change(last, labels=["Brief"])
    bench.change(first, labels=[])
    bench.sync(full=full, pages=pages)
    assert "Brief" in _labels(bench)
    bench.later(minutes=1)
    bench.delete(last)
    bench.sync(full=True, pages=pages)
    assert "Brief" not in _labels(bench)
    bench.assert_true()


@pytest.mark.parametrize("key", KEYS)
def test_record_that_says_nothing_of_its_lists_leaves_none(bench, key):
    """Case 15: a key that is absent, or null, is unknown: who was on a list is on it still."""
    holder = _holder(bench, key)
    held = {pair for pair in bench.members(KEYS[key]) if pair[1] == holder}
    for value in (MISSING, None):
        bench.later(minutes=1)
        bench.change(holder, last_name=str(value), **{key: value})
        assert bench.sync() == 0
        assert {pair for pair in bench.members(KEYS[key]) if pair[1] == holder} == held


@pytest.mark.parametrize("key", KEYS)
def test_record_whose_list_is_empty_leaves_it(bench, key):
    """Case 15: `[]` is empty, and ends what there was."""
    holder = _holder(bench, key)
    bench.later(minutes=1)
    bench.change(holder, **{key: []})
    assert bench.sync() == 0
    assert not {pair for pair in bench.members(KEYS[key]) if pair[1] == holder}
    bench.assert_true()


@pytest.mark.parametrize("switches", [{}, {"page_size": 2}, {"totals": "missing"}], ids=str)
@pytest.mark.parametrize("key", ["labels", "associated_venues"])
def test_count_comparison_ends_what_a_silent_record_has_lost(bench, key, switches):
    """Case 14: the vendor counts one less than we, and the one shows no more under that name."""
    bench.switch(**switches)
    holder = _holder(bench, key)
    rest = {pair for pair in bench.members(KEYS[key]) if pair[1] != holder}
    bench.later(minutes=1)
    bench.change(holder, **{key: MISSING})
    assert bench.sync(full=True) == 0
    if "totals" in switches:
        # Without totals nothing can be compared, and nothing is concluded.
        assert bench.members(KEYS[key]) > rest
        return
    # Under its name it is not shown; its own record, asked for once more, does not say either.
    assert bench.members(KEYS[key]) == rest
    bench.assert_true()


@pytest.mark.parametrize("pages", [1, 200])
def test_label_the_filter_does_not_show_but_the_record_has_stays(bench, pages):
    """The filter takes a label for another: the record's own word is the last, and is asked once.

    What is known of it outlives the parts that end while it is looked into.
    """
    members = {one for name, one in bench.members("customer_labels") if name == "VIP"}
    bench.sim.fault("labels=VIP&", times=None, body='{"customers":[]}', headers=_total(0))
    assert bench.sync(full=True, pages=pages) == 0
    assert bench.sim.count("labels=VIP&") > 1
    assert bench.sync(full=True) == 0
    assert bench.sim.count("labels=VIP&") == 1
    assert {one for name, one in bench.members("customer_labels") if name == "VIP"} == members


def _total(number):
    return {"x-pagination-total-results": str(number), "x-pagination-total-pages": "1"}


def test_label_that_most_members_lose_unseen_is_held_and_told(caplog):
    """Case 35: more than fifty who are not found by their label stand as they were."""
    bench = Bench(customers=130)
    for customer_id in bench.ids[:70]:
        bench.change(customer_id, labels=["Many"])
    bench.sync()
    for customer_id in bench.ids[:60]:
        bench.change(customer_id, labels=MISSING)
    with caplog.at_level(logging.WARNING):
        assert bench.sync(full=True) == 0
    assert "60 of 70 are not found by their labels" in caplog.text
    assert sum(name == "Many" for name, _ in bench.members("customer_labels")) == 70
    assert bench.sync(full=True, allow_mass_delete=True) == 0
    bench.assert_true()


def test_comparison_of_labels_cut_short_goes_on_where_it_was(bench):
    """Labels compared before the vendor failed are not asked for again by the next run."""
    bench.sim.fault("labels=VIP", times=5, status=500)
    assert bench.sync(full=True) == 75
    assert bench.sync() == 0
    names = [line.split("&")[1] for line in bench.lines("limit=1&")]
    assert [name.partition("=")[2] for name in names] == ["VIP", "Wine+club+%F0%9F%8D%B7", "vip"]
    assert bench.report().complete


def test_reading_of_one_label_cut_short_goes_on_where_it_was(bench):
    """Who was shown under it by the first run counts in the second: none of them is ended."""
    for customer_id in bench.ids[:35]:
        bench.change(customer_id, labels=["Many"])
    bench.sync(full=True)
    silent = bench.ids[3]
    bench.change(silent, labels=MISSING)
    bench.sim.fault("labels=Many&sort=.*page=3", times=5, status=500)
    assert bench.sync(full=True, pages=1) == 75
    assert bench.sync(pages=1) == 0
    assert bench.lines("labels=Many&sort")[0].endswith("page=3")
    assert not {seen.path for seen in bench.sim.requests} & {
        f"/collins/api/customers/{one}" for one in bench.ids if one != silent
    }
    bench.assert_true()


def test_consent_goes_in_and_out_with_the_vendors_times(bench):
    """Each change is a row with the vendor's own moments; in is a membership, out is none."""
    customer, preference = bench.create(), bench.vendor.preference_ids(TENANT)[0]
    told = []
    for opted_in in (True, False, True):
        bench.later(minutes=10)
        bench.vendor.set_preference(TENANT, customer, preference, opted_in=opted_in)
        bench.later(minutes=1)
        assert bench.sync() == 0
        what = "opted_in, opt_in_date, opt_out_date"
        (row,) = bench.log.now(
            "customer_marketing_preferences", what, f"customer_id = '{customer}'"
        )
        told.append((row[0], *[at and (at - NOON).total_seconds() / 60 for at in row[1:]]))
        bench.assert_true()
    assert told == [(True, 10, None), (False, 10, 21), (True, 32, None)]


def test_venue_that_is_gone_ends_and_one_that_is_new_begins():
    """Venues are read whole in each run; who is missing is asked for by its own address."""
    bench = Bench(customers=60)
    bench.shapes = SHAPES
    bench.sync()
    gone, hidden = bench.vendor.venue_ids(TENANT)[:2]
    record = bench.vendor.world[TENANT].venues.pop(gone)
    bench.vendor.add_venue(TENANT, "New", status="inactive")
    key = f'"id":"{hidden}"'.encode()
    bench.sim.fault(r"/venues\?", body=lambda body: body.replace(key, b'"id":null'))
    bench.later(minutes=1)
    assert bench.sync() == 0
    assert {name for (name,) in bench.log.now("venues")} == set(bench.vendor.venue_ids(TENANT))
    bench.vendor.world[TENANT].venues[gone] = record
    assert bench.sync() == 0
    bench.assert_true()


def test_preferences_are_read_by_group_and_by_venue_where_there_is_none():
    """A retired one stays a list, by its group's word; a venue of no group is asked itself."""
    bench = Bench(customers=60)
    bench.shapes = SHAPES
    retired = bench.vendor.preference_ids(TENANT)[0]
    bench.vendor.retire_preference(TENANT, retired)
    lone = bench.vendor.add_venue(TENANT, "Lone")
    key = f'"id":"{lone}","title":"Lone","venue_group":'.encode()
    bench.sim.fault(
        r"/venues\?", times=None, body=lambda body: body.replace(key, key[:-14] + b'"x":')
    )
    assert bench.sync() == 0
    known = {name for (name,) in bench.log.now("marketing_preferences")}
    assert known == set(bench.vendor.preference_ids(TENANT))
    assert bench.sim.count(f"/venues/{lone}/marketing-preferences") == 1
    assert bench.sim.count("/venue-groups/") == 1


def test_preference_that_is_missing_once_is_looked_for_again():
    """An answer that holds nothing ends none of them; one that is really gone ends."""
    bench = Bench(customers=20)
    bench.shapes = SHAPES
    bench.sync()
    before = bench.rows()
    bench.sim.fault("/venue-groups/", body="[]")
    assert bench.sync() == 0
    assert bench.rows() == before
    gone = bench.vendor.preference_ids(TENANT)[0]
    del bench.vendor.world[TENANT].preferences[gone]
    assert bench.sync() == 0
    known = {name for (name,) in bench.log.now("marketing_preferences")}
    assert known == set(bench.vendor.preference_ids(TENANT))


def test_deleted_customer_takes_everything_along(bench):
    """Labels, venues, consents and bookings end with the customer, and come back with it."""
    customer = bench.create(
        labels=["Alone"],
        associated_venues=bench.vendor.venue_ids(TENANT),
        marketing_preferences=[{"id": "p", "opted_in": True, "opt_in_date": None}],
        bookings=[{"id": "b", "venue_id": "v", "num_people": 2, "status": "new"}],
    )
    bench.sync()
    bench.delete(customer)
    assert bench.sync(full=True) == 0
    for resource in (*KEYS.values(), "customer_bookings"):
        assert bench.log.now(resource, "id", f"customer_id = '{customer}'") == []
    assert "Alone" not in _labels(bench)
    bench.vendor.restore_customer(TENANT, customer)
    assert bench.sync(full=True) == 0
    for resource in (*KEYS.values(), "customer_bookings"):
        assert bench.log.now(resource, "id", f"customer_id = '{customer}'")
    assert "Alone" in _labels(bench)
