"""What LOKE might do otherwise: every switch, and the drift of each way to page."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlparse

import pytest

from simulator import MISSING, LokeSwitches
from tests.simulator.helpers import NOON, Reader, customers, pretend


def _ids(records):
    return [record["id"] for record in records]


@pytest.mark.parametrize(
    ("switch", "resource", "sizes"),
    [
        ({"page_size": 30}, "customers", [30, 12]),
        ({"lists_page_size": 5}, "customer-lists", [5, 3]),
        ({"members_page_size": 9}, "members", [9, 8]),
    ],
)
def test_page_sizes(switch, resource, sizes):
    """Each resource has a page size of its own."""
    sim = pretend(**switch)
    org = sim.loke.organizations[0]
    if resource == "members":
        resource = f"customer-lists/{sim.loke.list_ids(org)[0]}/members"
    pages = Reader(sim).pages(f"/organizations/{org}/{resource}")
    assert [len(page) for page in pages] == sizes


def test_organizations_have_a_page_size_too():
    """Organisations are paged, and filtered by name."""
    sim = pretend(organizations_page_size=2)
    reader = Reader(sim)
    assert [len(page) for page in reader.pages("/organizations")] == [2, 1]
    assert [one["name"] for one in reader.all("/organizations?query=QUAY")] == ["Quay Taverns"]


@pytest.mark.parametrize("cursor", ["keyset", "offset"])
@pytest.mark.parametrize("direction", ["descending", "ascending", "mixed"])
@pytest.mark.parametrize("ties", ["stable", "shuffled"])
def test_every_order_leads_to_everything_once(cursor, direction, ties):
    """While nothing changes each order is total: all customers once, even with equal stamps."""
    sim = pretend(cursor=cursor, direction=direction, ties=ties)
    org = sim.loke.organizations[0]
    for _ in range(25):
        sim.loke.create_customer(org)
    records = Reader(sim).all(customers(sim))
    assert sorted(_ids(records)) == sorted(sim.loke.customer_ids(org))
    stamps = [one["updatedAt"] for one in records if one.get("updatedAt")]
    rising = stamps == sorted(stamps)
    falling = stamps == sorted(stamps, reverse=True)
    assert (falling, rising) == (direction == "descending", direction == "ascending")


def test_shuffled_ties_are_another_order():
    """Equal stamps come in another order when shuffled, the same one each time."""
    sim = pretend(customers=0)
    org = sim.loke.organizations[0]
    for _ in range(20):
        sim.loke.create_customer(org)
    reader = Reader(sim)
    stable = _ids(reader.all(customers(sim)))
    sim.loke.switches.ties = "shuffled"
    shuffled = _ids(reader.all(customers(sim)))
    assert stable != shuffled == _ids(reader.all(customers(sim)))


@pytest.mark.parametrize("direction", ["descending", "ascending"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_customers_without_a_stamp_stand_where_the_switch_says(direction, place):
    """Records without `updatedAt` come first or last, whatever the direction."""
    sim = pretend(direction=direction, nulls_sort=place)
    org = sim.loke.organizations[0]
    bare = {sim.loke.create_customer(org, updatedAt=value) for value in (MISSING, None)}
    found = _ids(Reader(sim).all(customers(sim)))
    assert bare <= set(found[:4] if place == "first" else found[-4:])


def test_keyset_misses_only_what_jumps_ahead_of_it():
    """An unread customer that is updated is missed in this pass; nothing else moves."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    before = _ids(reader.all(customers(sim)))
    late = before[25]
    sim.before("after=", 1, lambda: sim.loke.update_customer(org, late, lastName="Jumped"))
    found = _ids(reader.all(customers(sim)))
    assert found == [one for one in before if one != late]
    assert reader.all(customers(sim))[0]["lastName"] == "Jumped"


def test_keyset_is_not_moved_by_deletions():
    """Deleting what was read skips nothing; what is deleted unread does not come."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    before = _ids(reader.all(customers(sim)))
    gone = (*before[:3], before[20])
    sim.before("after=", 1, lambda: [sim.loke.delete_customer(org, one) for one in gone])
    assert _ids(reader.all(customers(sim))) == [one for one in before if one != before[20]]


def test_offset_skips_after_a_deletion_and_repeats_after_an_insertion():
    """With offsets the next page begins elsewhere as soon as the data change."""
    sim = pretend(cursor="offset")
    org, reader = sim.loke.organizations[0], Reader(sim)
    before = _ids(reader.all(customers(sim)))
    sim.before("after=", 1, lambda: [sim.loke.delete_customer(org, one) for one in before[:3]])
    assert _ids(reader.all(customers(sim))) == before[:10] + before[13:]
    sim.before("after=", 1, lambda: sim.loke.create_customer(org))
    again = _ids(reader.all(customers(sim)))
    assert len(again) - len(set(again)) == 1


def test_ascending_offset_loses_the_head_of_the_next_page():
    """The classic: a read record is updated, moves to the end, everything shifts left."""
    sim = pretend(cursor="offset", direction="ascending")
    org, reader = sim.loke.organizations[0], Reader(sim)
    before = _ids(reader.all(customers(sim)))
    sim.before("after=", 1, lambda: sim.loke.update_customer(org, before[0]))
    found = _ids(reader.all(customers(sim)))
    assert before[10] not in found
    assert found.count(before[0]) == 2


def test_next_page_may_loop_cycle_or_leave():
    """The next page is itself, or the first, or on another host, or forgets what was asked."""
    sim = pretend()
    reader = Reader(sim)

    def steps(fault: str) -> list[list[str]]:
        sim.loke.switches.next_page_fault = fault
        return [_ids(page) for page in reader.pages(customers(sim), at_most=4)]

    loop, cycle = steps("loop"), steps("cycle")
    assert loop[1] == loop[2] == loop[3] != loop[0]
    assert cycle[0] == cycle[2] != cycle[1] == cycle[3]
    sim.loke.switches.next_page_fault = "foreign"
    address = reader.get(customers(sim)).headers["x-next-page"]
    assert urlparse(address).hostname == "elsewhere.test"
    sim.loke.switches.next_page_fault = "lost_query"
    assert "sort=" not in reader.get(customers(sim)).headers["x-next-page"]


def test_empty_page_in_between_loses_nothing():
    """One page has no records and yet a next page; the rest follows."""
    sim = pretend(next_page_fault="empty_with_next")
    pages = Reader(sim).pages(customers(sim))
    assert [len(page) for page in pages] == [10, 0, 10, 10, 10, 2]
    assert len({one["id"] for page in pages for one in page}) == 42


def test_last_page_may_send_an_empty_header():
    """An empty `X-Next-Page` on the last page only."""
    sim = pretend(next_page_fault="empty_string", page_size=100)
    assert Reader(sim).get(customers(sim)).headers["x-next-page"] == ""


def test_absent_fields_are_missing_or_null():
    """Unknown optional fields are left out, or sent as null."""
    sim = pretend(customers=0)
    org, reader = sim.loke.organizations[0], Reader(sim)
    sim.loke.create_customer(org)
    assert "email" not in reader.all(customers(sim))[0]
    sim.loke.switches.absent = "null"
    assert reader.all(customers(sim))[0]["email"] is None


def test_names_and_precision_of_stamps():
    """The older spelling of statistics, milliseconds, and an undocumented field."""
    sim = pretend(customers=0)
    org, reader = sim.loke.organizations[0], Reader(sim)
    sim.clock.advance(timedelta(milliseconds=614))
    sim.loke.create_customer(org, statistics={"lastSpentAt": "2026-05-01T00:00:00.120Z"})
    plain = reader.all(customers(sim))[0]
    assert plain["updatedAt"] == "2026-05-02T12:00:00Z"
    sim.loke.switches = LokeSwitches(
        statistics_names="plain", stamps_ms=True, extra_field=True, page_size=1
    )
    sim.loke.create_customer(org)
    late, early = reader.all(customers(sim))
    assert late["updatedAt"] == "2026-05-02T12:00:00.614Z"
    assert early["updatedAt"] == "2026-05-02T12:00:00.000Z"
    assert early["statistics"] == {"lastSpend": "2026-05-01T00:00:00.120Z"}
    assert early["nickname"] == "Ilo"


@pytest.mark.parametrize(("switch", "told"), [("exact", 17), ("missing", None), ("stale", 24)])
def test_member_count(switch, told):
    """The count is true, not there, or behind."""
    sim = pretend(member_count=switch)
    org = sim.loke.organizations[0]
    record = Reader(sim).get(f"/organizations/{org}/customer-lists/{sim.loke.list_ids(org)[0]}")
    assert record.json().get("memberCount") == told


def test_rate_limit_frees_within_a_minute():
    """Beyond the limit 429; who waits as told is let in again; tokens are not counted."""
    sim = pretend(rate_limit=3)
    reader = Reader(sim)
    assert [reader.get("/organizations").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = reader.get("/organizations")
    assert refused.json()["code"] == "too_many_requests"
    sim.clock.advance(timedelta(seconds=int(refused.headers["retry-after"])))
    assert reader.get("/organizations").status_code == 200


@pytest.mark.parametrize(
    ("kind", "header", "read"),
    [
        ("retry_after_date", "retry-after", parsedate_to_datetime),
        ("retry_after_zero", "retry-after", int),
        ("reset_iso", "x-ratelimit-reset", datetime.fromisoformat),
        ("reset_epoch", "x-ratelimit-reset", int),
    ],
)
def test_rate_limit_headers(kind, header, read):
    """Seconds, a date, zero, an ISO moment, an epoch: each says the same, or nothing useful."""
    sim = pretend(rate_limit=0, rate_limit_header=kind)
    sim.loke.switches.rate_limit = 1
    reader = Reader(sim)
    reader.get("/organizations")
    told = read(reader.get("/organizations").headers[header])
    moment = NOON + timedelta(seconds=61)
    assert told == {"retry_after_zero": 0, "reset_epoch": int(moment.timestamp())}.get(kind, moment)


def test_rate_limit_without_a_header():
    """A bare 429."""
    sim = pretend(rate_limit=1, rate_limit_header="none")
    reader = Reader(sim)
    reader.get("/organizations")
    refused = reader.get("/organizations")
    assert refused.status_code == 429
    assert "retry-after" not in refused.headers


def test_dropped_field_is_in_no_record():
    """Whichever documented field it is, from the next answer on."""
    sim = pretend()
    reader = Reader(sim)
    assert any("gender" in record for record in reader.all(customers(sim)))
    sim.loke.switches.dropped_field = "gender"
    assert not any("gender" in record for record in reader.all(customers(sim)))


def test_every_switch_is_turned_somewhere():
    """No switch without a test that names it."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert [field.name for field in fields(LokeSwitches) if field.name not in text] == []


def test_updates_stamp_as_told():
    """Edits move the stamp, statistics do not; a stamp that is given stays; keys can go."""
    sim = pretend(customers=0)
    org, loke = sim.loke.organizations[0], sim.loke
    one = loke.create_customer(org, email="a@example.com", updatedAt="2026-01-01T00:00:00Z")
    loke.update_statistics(org, one, pointsBalance=1)
    loke.update_customer(org, one, _touch=False, lastName="Quiet")
    assert loke.customer(org, one)["updatedAt"] == "2026-01-01T00:00:00Z"
    loke.update_customer(org, one, email=MISSING, dob=None)
    assert loke.customer(org, one)["updatedAt"] == "2026-05-02T12:00:00Z"
    assert "email" not in loke.customer(org, one)
    assert loke.customer(org, one)["dob"] is None
    loke.update_customer(org, one, updatedAt="2026-02-01T00:00:00Z")
    assert loke.customer(org, one)["updatedAt"] == "2026-02-01T00:00:00Z"


def test_touch_spreads_and_rotates():
    """Touched customers are spread over the account, others each time, and come first."""
    sim = pretend(customers=1500)
    org, reader = sim.loke.organizations[0], Reader(sim)
    sim.render()
    first, second = sim.loke.touch(org, 10), sim.loke.touch(org, 10)
    assert not set(first) & set(second)
    assert set(_ids(reader.get(customers(sim)).json())) <= {*first, *second}
    many = sim.loke.touch(org, 500)
    sim.loke.switches.page_size = 500
    assert len(set(_ids(reader.get(customers(sim)).json())) & set(many)) >= 480
    assert len(reader.all(customers(sim))) == 1050
