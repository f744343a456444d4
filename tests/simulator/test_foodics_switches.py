"""What Foodics might do otherwise: every switch."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator import FoodicsSwitches
from simulator.foodics.switches import READ_SCOPES
from tests.simulator.foodics_reader import EVERYTHING, LONG_AGO, NOON, Reader, pretend

NOW = "2026-05-02 12:00:00"


def test_every_switch_is_tested_here():
    """No switch without a test of its own."""
    text = Path(__file__).read_text()
    assert [one.name for one in fields(FoodicsSwitches) if one.name not in text] == []


def test_simple_envelope():
    """The simple one has no last page and no total; what leads on is `links.next` alone."""
    reader = Reader(pretend(envelope="simple"))
    body = reader.get(page=2).json()
    assert body["links"]["last"] is None
    assert not {"last_page", "total", "links"} & body["meta"].keys()
    assert (body["meta"]["current_page"], body["meta"]["from"]) == (2, 11)
    assert set(reader.ids()) == reader.truth().keys()


@pytest.mark.parametrize(("form", "kept"), [("lost_query", False), ("full", True)])
def test_the_next_link(form, kept):
    """The next address is absolute; its query is lost, or whole."""
    reader = Reader(pretend(next_link=form))
    links = reader.get(updated_after=LONG_AGO, sort="updated_at").json()["links"]
    query = parse_qs(urlsplit(links["next"]).query)
    assert query["page"] == ["2"]
    assert ("filter[updated_after]" in query, "sort" in query) == (kept, kept)
    assert links["next"].startswith(f"{reader.vendor.base_url}/customers?")


def test_a_cap_ends_the_list_silently():
    """After so many pages there is no next, as though that were all; the total says otherwise."""
    reader = Reader(pretend(page_cap=2))
    assert [len(page) for page in reader.pages()] == [10, 10]
    beyond = reader.get(page=3).json()
    assert (beyond["data"], beyond["meta"]["total"]) == ([], len(reader.truth()))
    assert reader.walk(include=EVERYTHING) == reader.truth()


@pytest.mark.parametrize(("form", "more"), [("exclusive", 0), ("inclusive", 4)])
@pytest.mark.parametrize("sort", ["updated_at", "-updated_at", "created_at"])
def test_the_boundary_of_updated_after(form, more, sort):
    """The stamp itself is left out, or let in, whatever the order and the resource."""
    reader = Reader(pretend(updated_after=form))
    vendor, tenant = reader.vendor, reader.tenant
    ids = vendor.customer_ids(tenant)
    vendor.bulk_stamp(tenant, ids[:4], NOON)
    vendor.bulk_stamp(tenant, ids[4:6], NOON + timedelta(seconds=1))
    assert len(reader.ids(updated_after=NOW, sort=sort)) == 2 + more
    vendor.create_tag(tenant, "Now")
    assert len(reader.ids("/tags", updated_after=NOW)) == bool(more)


def test_filters_and_sorts_that_do_nothing():
    """`filter_ignored` gives everything, `sort_ignored` the usual order, both without a word."""
    reader = Reader(pretend(filter_ignored=True))
    assert set(reader.ids(updated_after=NOW, sort="updated_at")) == reader.truth().keys()
    reader = Reader(pretend(sort_ignored=True))
    assert reader.ids(sort="-updated_at") == reader.ids(sort="created_at") == reader.ids()
    late = reader.ids(updated_after="2026-01-01 00:00:00", sort="updated_at")
    assert set(late) == {one for one, r in reader.truth().items() if r["updated_at"] > "2026"}


def test_unknown_filters_may_be_refused():
    """400 for a filter, a sort or an include that is not documented; else they do nothing."""
    reader = Reader(pretend(unknown_filter="error"))
    for asked in ({"colour": "red"}, {"sort": "phone"}, {"include": "orders"}):
        assert reader.get(**asked).status_code == 400
    assert reader.get(updated_after=LONG_AGO, sort="-name", include="tags").status_code == 200
    reader.vendor.switches.unknown_filter = "ignored"
    assert reader.ids(colour="red", sort="phone", include="orders") == reader.ids()


def test_a_plain_list_may_show_the_deleted():
    """`default_list` all: soft-deleted rows stand among the living, unless asked otherwise."""
    reader = Reader(pretend(default_list="all", deleted_detail="shown"))
    gone = reader.vendor.deleted_ids(reader.tenant)
    assert gone
    assert set(reader.ids()) == reader.truth().keys() | set(gone)
    assert reader.walk().keys() == reader.truth().keys() | set(gone)
    assert set(reader.ids(is_deleted="false")) == reader.truth().keys()
    assert reader.get(f"/customers/{gone[0]}").json()["data"]["deleted_at"]


@pytest.mark.parametrize(("form", "count"), [("combined", 1), ("ignored", 2)])
def test_deleted_and_updated_after(form, count):
    """Both filters count, or `is_deleted` alone."""
    reader = Reader(pretend(is_deleted_with_updated_after=form))
    reader.sim.clock.advance(timedelta(seconds=5))
    vendor, tenant = reader.vendor, reader.tenant
    vendor.delete_customer(tenant, vendor.customer_ids(tenant)[0])
    for sort in ("-updated_at", "name"):
        assert len(reader.ids(is_deleted="true", updated_after=NOW, sort=sort)) == count


@pytest.mark.parametrize("touches", [True, False])
def test_what_moves_the_stamp(touches):
    """Deleting, restoring and tagging move `updated_at`, or do not."""
    reader = Reader(
        pretend(delete_touches=touches, restore_touches=touches, tag_touches=touches)
    )  # fmt: skip
    vendor, tenant, clock = reader.vendor, reader.tenant, reader.sim.clock
    one = vendor.customer_ids(tenant)[0]
    for act in (
        lambda: vendor.delete_customer(tenant, one),
        lambda: vendor.restore_customer(tenant, one),
        lambda: vendor.attach(tenant, vendor.tag_ids(tenant)[-1], one),
        lambda: vendor.detach(tenant, vendor.tag_ids(tenant)[-1], one),
    ):
        before = vendor.customer(tenant, one)["updated_at"]
        clock.advance(timedelta(seconds=1))
        act()
        assert (vendor.customer(tenant, one)["updated_at"] > before) is touches


def test_scopes_gate_endpoints_and_fields():
    """A list whose scope is missing is 403; fields are absent, or null, in truth as on the wire."""
    reader = Reader(pretend(scopes=["customers.list"]))
    refused = [reader.get(path) for path in ("/customers/x", "/tags", "/settings", "/addresses/x")]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert refused[0].json() == {"message": "This action is unauthorized."}
    assert reader.ask("POST", "/customers", json={}).status_code == 403
    assert reader.get("/whoami").json()["data"]["scopes"] == ["customers.list"]
    gated = {"house_account_limit", "house_account_balance", "loyalty_balance"}
    assert not any(gated & record.keys() for record in reader.all())
    assert {one["id"]: one for one in reader.all(include=EVERYTHING)} == reader.truth()
    reader.vendor.switches.gated = "null"
    assert all(record[name] is None for record in reader.all() for name in gated)
    reader.vendor.switches.scopes = [s for s in READ_SCOPES if s != "customers.list"]
    assert reader.get().status_code == 403


@pytest.mark.parametrize(("form", "kinds"), [("booleans", {bool}), ("numbers", {int})])
def test_flags_and_a_field_nobody_announced(form, kinds):
    """Flags are all of one kind; an undocumented field is there, in truth too."""
    reader = Reader(pretend(flags=form, extra_field=True))
    names = ("is_loyalty_enabled", "is_blacklisted", "is_house_account_enabled")
    records = {record["id"]: record for record in reader.all(include=EVERYTHING)}
    assert {type(record[name]) for record in records.values() for name in names} == kinds
    assert all(record["nickname"] == record["name"][:3] for record in records.values())
    assert records == reader.truth()


def test_includes_may_be_ignored():
    """The keys stay away though asked for; the truth has them."""
    reader = Reader(pretend(include_ignored=True))
    assert not any({"tags", "addresses"} & r.keys() for r in reader.all(include=EVERYTHING))
    assert all({"tags", "addresses"} <= record.keys() for record in reader.truth().values())


@pytest.mark.parametrize(("form", "late"), [("exact", 0), ("stale", 7), ("missing", None)])
def test_tags_count(form, late):
    """The number of a tag's customers is exact, behind, or not told."""
    reader = Reader(pretend(tags_count=form))
    members = reader.vendor.truth().members
    for tag in reader.all("/tags", include="customersCount"):
        count = len(members[reader.tenant, "tag", tag["id"]])
        assert tag.get("customers_count") == (None if late is None else count + late)


def test_ids_may_be_short():
    """Eight hexadecimal digits as documented, no two alike."""
    reader = Reader(pretend(customers=500, id_form="short"))
    made = reader.vendor.create_customer(reader.tenant)
    ids = [*reader.ids(), *reader.ids("/tags"), *reader.ids("/addresses")]
    assert made in ids
    assert len(ids) == len(set(ids))
    assert all(len(one) == 8 and int(one, 16) >= 0 for one in ids)


def test_shuffled_ties_are_another_order():
    """Equal stamps come in another order, the same each time, and all of them once."""
    reader = Reader(pretend(customers=0))
    for _ in range(35):
        reader.vendor.create_customer(reader.tenant)
    stable = reader.ids(sort="updated_at")
    reader.vendor.switches.ties = "shuffled"
    shuffled = reader.ids(sort="updated_at")
    assert stable != shuffled == reader.ids(sort="updated_at")
    assert sorted(stable) == sorted(shuffled)


def test_hidden_and_gone_customers():
    """Hidden ones are in no list and answer as the switch says; so do those that are gone."""
    reader = Reader(pretend(hidden_status=404, gone_status=410))
    vendor, tenant = reader.vendor, reader.tenant
    hidden, erased, *_ = vendor.customer_ids(tenant)
    total = reader.get().json()["meta"]["total"]
    vendor.hide(tenant, [hidden])
    vendor.erase_customer(tenant, erased)
    assert [reader.get(f"/customers/{one}").status_code for one in (hidden, erased)] == [404, 410]
    assert reader.get(id=hidden).json()["data"] == []
    assert reader.get().json()["meta"]["total"] == total - 2
    assert hidden not in reader.truth()
    assert {one["id"]: one for one in reader.all(include=EVERYTHING)} == reader.truth()
    vendor.unhide(tenant)
    assert hidden in reader.ids()


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        ("retry_after", {"retry-after": "61"}),
        ("retry_after_zero", {"retry-after": "0"}),
        ("reset_iso", {"x-ratelimit-reset": "2026-05-02T12:01:01+00:00"}),
        ("none", {}),
    ],
)
def test_rate_limit_header(form, wanted):
    """When to come back is told in any form, or not at all."""
    reader = Reader(pretend(rate_limit=1, rate_limit_header=form))
    reader.get()
    headers = reader.get().headers
    told = {name: headers[name] for name in ("retry-after", "x-ratelimit-reset") if name in headers}
    assert told == wanted


def test_page_size_and_date_header():
    """Pages are as large as the switch says; answers carry the vendor's time, or not."""
    reader = Reader(pretend(page_size=7))
    answer = reader.get()
    assert len(answer.json()["data"]) == answer.json()["meta"]["per_page"] == 7
    assert parsedate_to_datetime(answer.headers["date"]) == NOON
    assert len(reader.get(per_page=3).json()["data"]) == 3
    reader.vendor.switches.date_header = False
    assert "date" not in reader.get().headers
