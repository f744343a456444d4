"""What Kounta might do otherwise: every switch."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlparse

import pytest

from simulator import KountaSwitches
from tests.simulator.kounta_reader import NOON, Reader, pretend, steady


def test_every_switch_is_turned_somewhere():
    """No switch without a test that names it."""
    here = Path(__file__).parent
    text = "".join(path.read_text() for path in here.glob("test_kounta_*.py"))
    assert [field.name for field in fields(KountaSwitches) if field.name not in text] == []


def test_legacy_pages_are_counted():
    """`X-Page` from 0, `X-Pages` in the answer, and no next page; beyond the last is nothing."""
    sim = pretend(paging="legacy")
    reader, found = Reader(sim), []
    pages = int(reader.get().headers["x-pages"])
    assert pages == 6
    for page in range(pages):
        answer = reader.get(headers={"X-Page": str(page)})
        assert "x-next-page" not in answer.headers
        found += [str(one["id"]) for one in answer.json()]
    assert found == sim.kounta.customer_ids("5678")
    assert reader.get(headers={"X-Page": "6"}).json() == []
    assert reader.get(headers={"X-Page": "-1"}).status_code == 400


def test_both_ways_to_page_and_how_each_drifts():
    """Who counts loses the head of the next page when one is deleted; who follows ids does not."""
    sim = pretend(paging="both")
    reader, ids = Reader(sim), sim.kounta.customer_ids("5678")
    first = reader.get()
    assert (first.headers["x-pages"], "x-next-page" in first.headers) == ("6", True)
    sim.kounta.delete_customer("5678", ids[0])
    counted = reader.get(headers={"X-Page": "1"}).json()
    followed = reader.get(first.headers["x-next-page"], headers={"X-Page": "5"}).json()
    assert str(counted[0]["id"]) == ids[11]
    assert str(followed[0]["id"]) == ids[10]
    sim.kounta.switches.paging = "header"
    assert reader.get(headers={"X-Page": "1"}).json()[0] == reader.get().json()[0]
    assert "x-pages" not in reader.get().headers


@pytest.mark.parametrize("start", ["exclusive", "inclusive"])
@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize("size", [1, 10, 51, 100])
def test_next_page_leads_to_everything_once(start, form, size):
    """Whatever `start` means, however the address is told, whatever the page size."""
    sim = pretend(start=start, next_page=form, page_size=size)
    reader, ids = Reader(sim), sim.kounta.customer_ids("5678")
    pages = reader.pages(at_most=99)
    assert [str(one["id"]) for page in pages for one in page] == ids
    assert all(pages)
    header = reader.get().headers.get("x-next-page", "")
    assert header.startswith("/kounta/" if form == "relative" else "http://") or size > 50
    by_hand = reader.get(f"/customers?start={ids[0]}").json()
    assert str(by_hand[0]["id"]) == ids[start == "exclusive"]


def test_next_page_may_loop_cycle_or_leave():
    """The next page is itself, or the first, or on another host."""
    sim = pretend()
    reader = Reader(sim)

    def steps(fault):
        sim.kounta.switches.next_page_fault = fault
        return reader.pages(at_most=4)

    loop, cycle = steps("loop"), steps("cycle")
    assert loop[1] == loop[2] == loop[3] != loop[0]
    assert cycle[0] == cycle[2] != cycle[1] == cycle[3]
    sim.kounta.switches.next_page_fault = "foreign"
    assert urlparse(reader.get().headers["x-next-page"]).hostname == "elsewhere.test"


def test_empty_page_in_between_and_empty_header_lose_nothing():
    """One page without records and yet a next page; on the last page an empty header."""
    sim = pretend(next_page_fault="empty_with_next")
    reader, ids = Reader(sim), sim.kounta.customer_ids("5678")
    assert [len(page) for page in reader.pages()] == [10, 0, 10, 10, 10, 10, 1]
    assert reader.ids() == ids
    sim.kounta.switches.next_page_fault = "empty_string"
    assert reader.ids() == ids
    assert reader.get(f"/customers?start={ids[-2]}").headers["x-next-page"] == ""


def test_list_may_send_whole_records():
    """With the full payload the list says what each record alone says."""
    sim = pretend(list_payload="full")
    reader, truth = Reader(sim), sim.kounta.truth()
    found = {("5678", str(one["id"])): one for page in reader.pages() for one in page}
    assert found == {key: one for key, one in truth.customers.items() if key[0] == "5678"}


def test_lenient_about_accept():
    """Anything, or nothing, is accepted; what excludes JSON is not."""
    sim = pretend(accept="lenient")
    reader = Reader(sim)
    assert reader.get(headers={"Accept": "*/*"}).status_code == 200
    del reader.http.headers["Accept"]
    assert reader.get().status_code == 200
    assert reader.get(headers={"Accept": "text/html"}).status_code == 406


def test_basic_may_be_refused():
    """Production needs OAuth; the token address still takes the client in Basic."""
    sim = pretend(basic_allowed=False)
    assert Reader(sim, basic=True).get().status_code == 401
    assert Reader(sim).get().status_code == 200


@pytest.mark.parametrize("status", [401, 400])
def test_access_token_dies_after_its_life(status):
    """It works until its last second; then the error tells, whatever the status."""
    sim = pretend(token_seconds=60, expired_status=status)
    reader = Reader(sim)
    sim.clock.advance(timedelta(seconds=59))
    assert reader.get().status_code == 200
    sim.clock.advance(timedelta(seconds=1))
    refused = reader.get()
    assert (refused.status_code, refused.json()) == (
        status,
        {"error": "invalid_token", "error_description": "The access token provided has expired"},
    )
    reader.sign_in()
    assert reader.get().status_code == 200
    sim.kounta.tokens.revoke()
    assert reader.get().status_code == status
    assert reader.get(headers={"Authorization": "Bearer x"}).status_code == 401


def test_refresh_token_may_stay_or_the_old_one_live_on():
    """Without rotation no refresh token is sent and the one there is stays."""
    sim = pretend(rotate=False, refresh_status=401)
    reader = Reader(sim)
    assert "refresh_token" not in reader.refresh().json()
    assert reader.refresh().status_code == 200
    assert reader.refresh("dead").status_code == 401
    sim.kounta.switches.rotate, sim.kounta.switches.old_refresh = True, "lives"
    assert reader.refresh().status_code == reader.refresh().status_code == 200
    sim.kounta.switches.old_refresh = "dies"
    assert reader.refresh().status_code == 401


def test_rate_limit_is_told_on_every_answer_and_kept_for_each_credential():
    """What is left, and when the first request of the minute is forgotten; 404s count too."""
    sim = pretend(rate_limit=3)
    reader = Reader(sim)
    told = [reader.get("/customers/1").headers for _ in range(3)]
    assert [one["x-ratelimit-remaining"] for one in told] == ["2", "1", "0"]
    assert {one["x-ratelimit-limit"] for one in told} == {"3"}
    assert int(told[0]["x-ratelimit-reset"]) == NOON.timestamp() + 60
    refused = reader.get()
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (429, "0")
    assert "retry-after" not in refused.headers
    assert Reader(sim, "5679").get().status_code == 200
    wait = int(refused.headers["x-ratelimit-reset"]) - NOON.timestamp()
    sim.clock.advance(timedelta(seconds=wait))
    assert reader.get().status_code == 200


@pytest.mark.parametrize(
    ("kind", "header", "read", "told"),
    [
        ("retry_after", "retry-after", int, 61),
        ("retry_after_date", "retry-after", parsedate_to_datetime, NOON + timedelta(seconds=61)),
        ("retry_after_zero", "retry-after", int, 0),
        ("reset_iso", "x-ratelimit-reset", str, "2026-05-02T12:01:01+00:00"),
        ("none", "x-ratelimit-limit", int, 1),
    ],
)
def test_rate_limit_header(kind, header, read, told):
    """A refusal tells when to come back in one form and no other, or not at all."""
    sim = pretend(rate_limit=1, rate_limit_header=kind)
    reader = Reader(sim)
    reader.get()
    refused = reader.get()
    assert refused.status_code == 429
    assert read(refused.headers[header]) == told
    assert len({"retry-after", "x-ratelimit-reset"} & set(refused.headers)) == (kind != "none")


def test_refusal_may_be_a_400_with_a_text():
    """As one client has met it."""
    sim = pretend(rate_limit=1, limit_body=True)
    reader = Reader(sim)
    reader.get()
    assert reader.get().status_code == 400
    assert "Limit exceeded" in reader.get().text


def test_date_header_and_offset_of_stamps():
    """The vendor's clock in a header unless switched off; stamps in any zone."""
    sim = pretend(offset_hours=-3.5)
    reader = Reader(sim)
    answer = reader.get("/customers/700101")
    assert parsedate_to_datetime(answer.headers["date"]) == NOON
    assert answer.json()["updated_at"] == "2026-05-02T08:30:00-03:30"
    sim.kounta.switches.date_header = False
    assert "date" not in reader.get().headers


def test_older_addresses():
    """The older name of the primary address, and the older form of both."""
    sim = pretend(addresses_key="postal_address", address_form="older")
    place = {"id": 1, "lines": ["Level 2", "1 Test St"], "city": "Testville", "zone": "WA",
             "postal_code": "6000", "country": "AU"}  # fmt: skip
    sim.kounta.set_address("5678", "700101", "primary_address", place)
    sim.kounta.set_address("5678", "700101", "shipping_address", None)
    reader = Reader(sim)
    record = reader.get("/customers/700101").json()
    assert "primary_address" not in record
    assert record["shipping_address"] is None
    assert record["postal_address"] == {
        "id": 1, "city": "Testville", "postal_code": "6000", "country": "AU",
        "address": "Level 2, 1 Test St", "state": "WA",
    }  # fmt: skip
    (listed,) = reader.get("/customers/700101/addresses").json()
    assert listed == record["postal_address"] | {"people_id": record["people_id"]}


def test_absent_tags_are_not_there_and_yet_remembered():
    """Whole records without `tags`; the truth keeps who has which."""
    sim = pretend()
    before = sim.kounta.truth()
    assert before.members
    sim.kounta.switches.tags_absent = True
    record = Reader(sim).get("/customers/700101").json()
    assert "tags" not in record
    after = sim.kounta.truth()
    assert after.members == before.members
    assert steady(after.customers["5678", "700101"]) == steady(record)


def test_ids_may_be_strings():
    """Every id, in lists, whole records and the company."""
    sim = pretend(id_strings=True)
    reader = Reader(sim)
    assert [one["id"] for page in reader.pages() for one in page] == reader.ids()
    place = {"id": 1, "lines": []}
    sim.kounta.set_address("5678", "700101", "shipping_address", place)
    record = reader.get("/customers/700101").json()
    assert (record["id"], record["company_id"], record["people_id"]) == ("700101", "5678", "800201")
    assert record["shipping_address"]["id"] == "1"
    assert sim.kounta.truth().tenants["5678"]["id"] == "5678"


def test_customers_may_vanish_between_list_and_detail():
    """Ids that are listed and answer 404, as who is deleted in between does."""
    sim = pretend(vanish={"700101"})
    reader = Reader(sim)
    assert "700101" in reader.ids()
    assert reader.get("/customers/700101").status_code == 404
    assert reader.get("/customers/700101/addresses").status_code == 404
    assert ("5678", "700101") in sim.kounta.truth().customers
