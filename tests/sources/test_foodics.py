"""Foodics' source under every answer its documentation leaves open."""

from __future__ import annotations

import logging
from dataclasses import fields
from urllib.parse import parse_qs

import pytest

from simulator import FoodicsSwitches
from simulator.foodics.switches import READ_SCOPES
from tests.conftest import MINUTE
from tests.sources.foodics import (
    BY_NUMBER,
    DELETED,
    DETAIL,
    LIST,
    LIVING,
    TAGS,
    Foodics,
    ago,
)

INCLUDE = "tags,addresses,addresses.delivery_zone"
ANSWERS = [
    {"page_size": 50},
    {"envelope": "simple"},
    {"envelope": "simple", "next_link": "full"},
    {"next_link": "full"},
    {"updated_after": "inclusive"},
    {"updated_after": "inclusive", "envelope": "simple", "ties": "shuffled"},
    {"filter_ignored": True},
    {"filter_ignored": True, "envelope": "simple"},
    {"sort_ignored": True},
    {"unknown_filter": "error"},
    {"default_list": "all"},
    {"default_list": "all", "deleted_detail": "shown", "envelope": "simple"},
    {"is_deleted_with_updated_after": "ignored"},
    {"deleted_detail": "shown"},
    {"delete_touches": False},
    {"restore_touches": False},
    {"tag_touches": True},
    {"scopes": [one for one in READ_SCOPES if ".read" not in one] + ["general.read"]},
    {"scopes": [one for one in READ_SCOPES if "loyalty" not in one], "gated": "null"},
    {"flags": "booleans"},
    {"flags": "numbers"},
    {"tags_count": "missing"},
    {"tags_count": "stale"},
    {"id_form": "short"},
    {"ties": "shuffled"},
    {"extra_field": True},
    {"date_header": False},
    {"page_cap": 2},
    {"page_cap": 2, "updated_after": "inclusive", "ties": "shuffled"},
]
# Tested by themselves, below and beside.
ELSEWHERE = {
    "include_ignored", "gone_status", "hidden_status", "rate_limit", "rate_limit_header",
}  # fmt: skip


def test_every_switch_is_tried():
    """No unknown of the vendor is left out."""
    tried = {name for switches in ANSWERS for name in switches}
    assert tried | ELSEWHERE == {each.name for each in fields(FoodicsSwitches)}


def shake(foodics):
    """Change something of every kind, with and without its stamp moving."""
    ids = foodics.ids
    foodics.set(ids[1], name="Changed by the window")
    foodics.set(ids[2], is_loyalty_enabled=0, email=None)
    foodics.foodics.order(foodics.tenant, ids[3])
    foodics.create(name="New")
    foodics.delete(ids[4], ids[5])
    foodics.restore(foodics.foodics.deleted_ids(foodics.tenant)[0])
    tag, other = foodics.foodics.tag_ids(foodics.tenant)[:2]
    foodics.foodics.set_tags(foodics.tenant, ids[6], [tag, other])
    foodics.foodics.set_tags(foodics.tenant, ids[7], [])
    foodics.foodics.rename_tag(foodics.tenant, other, "By the window")
    foodics.foodics.set_addresses(foodics.tenant, ids[8], [{"name": "Summer"}])
    foodics.foodics.set_addresses(foodics.tenant, ids[9], [])
    foodics.erase(ids[10])


@pytest.mark.parametrize("switches", ANSWERS, ids=str)
def test_every_answer_reads_the_same(tmp_path, switches):
    """Case 22: whatever it does, core says what it says after an ordinary and a complete sync."""
    foodics = Foodics(tmp_path, **switches)
    foodics.stamp(foodics.ids[20:27], ago(days=3))
    foodics.set(foodics.ids[30], updated_at=None)
    assert foodics.sync() == 0
    foodics.assert_true()
    shake(foodics)
    assert foodics.later() == 0
    foodics.assert_settles()
    assert len(foodics.removed()) <= 3 + (switches == {"restore_touches": False})


@pytest.mark.parametrize("envelope", ["length_aware", "simple"])
def test_quiet_sync_asks_four_questions_and_writes_nothing(tmp_path, envelope):
    """Who am I, who changed, who was deleted, which tags: nothing less will do."""
    foodics = Foodics(tmp_path, envelope=envelope)
    foodics.set(foodics.ids[0], name="The newest")
    foodics.sync()
    before = foodics.snapshot()
    assert foodics.later() == 0
    assert foodics.snapshot() == before
    told = [seen.path.rpartition("/")[2] for seen in foodics.sim.requests]
    assert sorted(told) == ["customers", "customers", "tags", "whoami"]
    asked = {
        tuple(sorted((name, value) for name, (value,) in parse_qs(seen.query).items()))
        for seen in foodics.sim.requests
        if seen.path.endswith("/customers")
    }
    since = ("filter[updated_after]", "2026-05-02 11:50:00")
    usual = (("include", INCLUDE), ("page", "1"))
    assert asked == {
        (since, *usual, ("sort", "updated_at")),
        (("filter[is_deleted]", "true"), *usual, ("sort", "-updated_at")),
    }


def test_ordinary_sync_reads_only_what_changed(tmp_path):
    """Twenty changes of a hundred and thirty are three pages of ten, less the overlap."""
    foodics = Foodics(tmp_path, 130)
    foodics.sync()
    for number, customer_id in enumerate(foodics.ids[:20]):
        foodics.clock.advance(MINUTE)
        foodics.set(customer_id, name=f"Number {number}")
    assert foodics.later() == 0
    assert foodics.count(LIST) == 3 + 1
    foodics.assert_true()


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ({"updated_after": "inclusive"}, "the bound of the change filter is included"),
        ({"filter_ignored": True}, "do not show all; reading by number"),
        ({"sort_ignored": True}, "do not show all; reading by number"),
        ({"delete_touches": False}, "deleting moves no stamp"),
        (
            {"include_ignored": True},
            "not every record names them; what is known of the others stays as it was",
        ),
        ({"extra_field": True}, "undocumented fields nickname"),
        ({"scopes": READ_SCOPES[:2] + READ_SCOPES[3:]}, "no scope customers.accounts.read"),
    ],
    ids=str,
)
def test_log_tells_which_unknown_was_met(tmp_path, caplog, switches, told):
    """What the vendor does otherwise than hoped stands in the log, once a scan."""
    foodics = Foodics(tmp_path, **switches)
    foodics.delete(*foodics.ids[:12])
    for second, customer_id in enumerate(foodics.ids):
        foodics.stamp([customer_id], ago(seconds=second))
    with caplog.at_level(logging.INFO, "regulars"):
        foodics.sync()
        foodics.later()
    assert told in caplog.text
    assert not any("page" in one.message and one.levelno > logging.INFO for one in caplog.records)


@pytest.mark.parametrize("envelope", ["length_aware", "simple"])
@pytest.mark.parametrize("bound", ["exclusive", "inclusive"])
@pytest.mark.parametrize("days", [0.01, 900])
def test_more_of_one_stamp_than_a_cap_shows_is_read_or_told(tmp_path, envelope, bound, days):
    """Never silently short: what no order shows ends 4, removes nobody and is read next time."""
    switches = {"envelope": envelope, "updated_after": bound}
    foodics = Foodics(tmp_path, page_size=5, page_cap=3, **switches)
    foodics.foodics.delete_tag(foodics.tenant, foodics.foodics.tag_ids(foodics.tenant)[0])
    foodics.stamp(foodics.ids[:23], ago(days=days))
    code = foodics.sync()
    whole = {one for _, one in foodics.customers()} == set(foodics.ids)
    assert (code, foodics.report().complete) in {(0, True), (4, False)}
    assert whole or code == 4
    foodics.turn(page_cap=None)
    assert foodics.later() == 0
    foodics.assert_true()


def test_cap_within_one_stamp_is_read_around_in_other_orders(tmp_path):
    """Twenty of one stamp where a list shows fifteen: the other end of an order shows the rest."""
    foodics = Foodics(tmp_path, 20, page_size=5, page_cap=3)
    foodics.stamp(foodics.ids, ago(days=1))
    foodics.turn(page_size=6)
    assert foodics.sync() == 0
    assert foodics.count("sort=-updated_at&include=[^&]*&page=1") == 1
    foodics.assert_true()


@pytest.mark.parametrize(
    "switches",
    [
        {"filter_ignored": True},
        {"sort_ignored": True},
        {"filter_ignored": True, "envelope": "simple"},
    ],
    ids=str,
)
def test_capped_list_that_cannot_be_walked_is_never_taken_for_all(tmp_path, switches):
    """Case 24: where no filter or order leads past the cap, the run ends 4 and removes nobody."""
    foodics = Foodics(tmp_path, **switches)
    foodics.sync()
    foodics.turn(page_cap=2)
    assert foodics.later(full=True) == 4
    assert not foodics.report().complete
    assert foodics.removed() == []
    foodics.turn(page_cap=None)
    foodics.assert_settles()


def test_tags_that_are_not_all_shown_are_told(tmp_path):
    """More tags are counted than shown: exit 4, and none is removed."""
    for envelope in ("length_aware", "simple"):
        foodics = Foodics(tmp_path, page_size=3, envelope=envelope)
        foodics.sync()
        foodics.turn(page_cap=1)
        assert foodics.later() == 4
        assert "more tags than it shows" in str(foodics.job.errors[0])
        assert foodics.removed() == []
        assert len(foodics.rows("from core.lists")) == 6


def test_customers_without_a_stamp_are_counted(tmp_path, caplog):
    """Who has no stamp is found by complete scans, which say how many there are."""
    foodics = Foodics(tmp_path)
    for customer_id in foodics.ids[:12]:
        foodics.set(customer_id, updated_at=None)
    with caplog.at_level(logging.INFO, "regulars"):
        assert foodics.sync() == 0
    assert "null_cursor=12" in caplog.text
    foodics.assert_true()
    foodics.set(foodics.ids[0], name="Silent", _touch=False)
    foodics.assert_settles()


def test_whole_page_of_customers_without_a_stamp_leads_on_under_a_cap(tmp_path):
    """Fifteen of twenty-five without a stamp, where a list shows ten of them."""
    foodics = Foodics(tmp_path, 25, page_size=5, page_cap=2)
    foodics.turn(page_size=6)
    for customer_id in foodics.ids[:15]:
        foodics.set(customer_id, updated_at=None)
    assert foodics.sync() == 0
    foodics.assert_true()


def test_detail_is_asked_for_only_who_vanished(tmp_path):
    """An erased customer is in neither list, and gone when its own address says so."""
    foodics = Foodics(tmp_path)
    foodics.sync()
    gone = next(one for one in foodics.ids if not foodics.of(one)["tags"])
    foodics.erase(gone)
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 0
    assert foodics.later(full=True) == 0
    assert foodics.count(DETAIL) == 1
    assert foodics.removed() == [gone]
    foodics.assert_true()
    assert foodics.count(DELETED) == 1
    assert foodics.count(BY_NUMBER) == 0
    assert foodics.count(LIVING) == 5
    assert foodics.count(TAGS) == 1


@pytest.mark.parametrize(("status", "gone"), [(404, True), (410, True), (403, False), (409, False)])
def test_vanished_customer_is_gone_when_its_own_address_says_so(tmp_path, status, gone):
    """404 and 410 are gone; 403 is not, and what has no meaning of its own is told."""
    foodics = Foodics(tmp_path, gone_status=status)
    foodics.sync()
    foodics.erase(foodics.ids[3])
    assert foodics.later(full=True) == (4 if status == 409 else 0)
    assert bool(foodics.removed()) is gone


def test_customers_we_may_not_see_any_more_stand_as_they_were(tmp_path):
    """A permission that shrinks removes neither customers nor their tags."""
    foodics = Foodics(tmp_path)
    foodics.sync()
    before = foodics.customers(), foodics.members()
    foodics.foodics.hide(foodics.tenant, foodics.ids[:9])
    assert foodics.later() == 0
    assert foodics.later(full=True) == 0
    assert (foodics.customers(), foodics.members()) == before
