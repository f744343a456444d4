"""LOKE's wire as documented, read by a reader that knows only the documentation."""

from __future__ import annotations

import base64
import re
import threading
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from simulator import MISSING
from tests.simulator.helpers import NOON, Reader, customers, pretend

MINUTE = timedelta(minutes=1)


def _token(sim, *, auth=None, **form):
    with httpx.Client(transport=sim.transport()) as client:
        body = {"grant_type": "client_credentials", **form}
        return client.post(sim.loke.token_url, data=body, auth=auth)


@pytest.mark.parametrize(
    ("accepted", "basic", "body"), [("both", 200, 200), ("basic", 200, 401), ("body", 401, 200)]
)
def test_token_is_issued_to_the_accepted_client_authentication(accepted, basic, body):
    """Basic and body each work where accepted; the other is an invalid client."""
    sim = pretend(token_auth=accepted)
    client = (sim.loke.client_id, sim.loke.client_secret)
    by_basic = _token(sim, auth=client)
    by_body = _token(sim, client_id=client[0], client_secret=client[1])
    assert (by_basic.status_code, by_body.status_code) == (basic, body)
    for answer in (by_basic, by_body):
        if answer.status_code == 401:
            assert answer.json() == {"error": "invalid_client"}
        else:
            assert answer.json()["expires_in"] == 3600


def test_wrong_secrets_and_grants_get_no_token():
    """A wrong secret, an unreadable Basic and another grant are refused."""
    sim = pretend()
    assert _token(sim, auth=(sim.loke.client_id, "wrong")).status_code == 401
    assert _token(sim).status_code == 401
    with httpx.Client(transport=sim.transport(), headers={"Authorization": "Basic !"}) as client:
        assert client.post(sim.loke.token_url).status_code == 401
    good = (sim.loke.client_id, sim.loke.client_secret)
    assert _token(sim, auth=good, grant_type="password").json() == {
        "error": "unsupported_grant_type"
    }


def test_discovery_names_the_token_address():
    """The discovery document leads to the token address."""
    sim = pretend()
    with httpx.Client(transport=sim.transport()) as client:
        address = sim.loke.token_url.replace("token", ".well-known/openid-configuration")
        assert client.get(address).json()["token_endpoint"] == sim.loke.token_url


@pytest.mark.parametrize("status", [401, 400])
def test_token_dies_after_its_life(status):
    """A token works until its last second, then answers with the switch's status."""
    sim = pretend(token_seconds=60, expired_status=status)
    reader = Reader(sim)
    sim.clock.advance(timedelta(seconds=59))
    assert reader.get("/organizations").status_code == 200
    sim.clock.advance(timedelta(seconds=1))
    assert reader.get("/organizations").status_code == status


def test_no_token_and_a_made_up_one_are_401():
    """Whatever an expired token answers, none or a wrong one is 401."""
    sim = pretend(expired_status=400)
    reader = Reader(sim)
    reader.token = "made-up"
    assert reader.get("/organizations").status_code == 401
    assert reader.http.get(sim.loke.base_url + "/organizations").status_code == 401


@pytest.mark.parametrize("form", ["absolute", "relative"])
@pytest.mark.parametrize("sort", ["created", "updated"])
def test_pages_lead_to_everything_newest_first(form, sort):
    """Every customer comes once, in falling order, whichever way the next page is named."""
    sim = pretend(next_page=form)
    reader = Reader(sim)
    header = reader.get(customers(sim, sort)).headers["x-next-page"]
    assert header.startswith("http://vendors.test/loke/" if form == "absolute" else "/loke/")
    assert f"sort={sort}" in header
    pages = reader.pages(customers(sim, sort))
    assert [len(page) for page in pages] == [10, 10, 10, 10, 2]
    records = [record for page in pages for record in page]
    assert {record["id"] for record in records} == set(
        sim.loke.customer_ids(sim.loke.organizations[0])
    )
    stamps = [record[f"{sort}At"] for record in records if f"{sort}At" in record]
    assert stamps == sorted(stamps, reverse=True)


def test_sort_is_created_unless_asked():
    """Without `sort` the order is by creation; an unknown one is refused."""
    sim = pretend()
    reader, plain = Reader(sim), customers(sim).partition("?")[0]
    assert reader.all(plain) == reader.all(customers(sim, "created"))
    assert reader.get(f"{plain}?sort=name").status_code == 400


def test_cursor_that_loke_never_gave_is_refused():
    """Garbage as a cursor is 400, not a crash."""
    sim = pretend()
    for after in ("x", "%%%", base64.urlsafe_b64encode(b"[1]").decode(), "e30", ""):
        status = Reader(sim).get(f"{customers(sim)}&after={after}").status_code
        assert status in (200, 400)
        assert status == 400 or after == "e30"


@pytest.mark.parametrize("absent", ["missing", "null"])
def test_full_read_sees_the_truth(absent):
    """A complete read of everything equals `truth()`, whatever the shape of records."""
    sim = pretend(absent=absent, stamps_ms=True, statistics_names="plain", extra_field=True)
    sim.loke.create_customer(sim.loke.organizations[1], updatedAt=MISSING, dob=None)
    sim.loke.hide(sim.loke.organizations[0], sim.loke.customer_ids(sim.loke.organizations[0])[:3])
    reader, truth = Reader(sim), sim.loke.truth()
    for org in reader.all("/organizations"):
        here = f"/organizations/{org['id']}"
        assert truth.organizations[org["id"]] == org == reader.get(here).json()
        people = {record["id"]: record for record in reader.all(f"{here}/customers")}
        assert people == {key[1]: value for key, value in truth.customers.items() if key[0] == org["id"]}  # fmt: skip  # noqa: E501
        for one in reader.all(f"{here}/customer-lists"):
            assert truth.lists[org["id"], one["id"]] == one
            members = reader.all(f"{here}/customer-lists/{one['id']}/members")
            assert truth.members[org["id"], one["id"]] == {m["id"]: m["addedAt"] for m in members}
    assert len(truth.organizations) == 3
    assert sum(len(members) for members in truth.members.values()) > 20


def test_truth_is_a_copy():
    """What is done to the truth does nothing to the world."""
    sim = pretend()
    truth = sim.loke.truth()
    for part in (truth.organizations, truth.customers, truth.lists, truth.members):
        for value in part.values():
            value.clear()
    assert all(sim.loke.truth().customers.values())
    assert all(sim.loke.truth().organizations.values())


def test_customer_is_found_by_id_address_and_number():
    """One by id; by e-mail or phone a list, as phones are not unique."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    fields = {"email": "wren@example.com", "phoneNumber": "+61491570156"}
    new = sim.loke.create_customer(org, **fields)
    path = f"/organizations/{org}/customers"
    assert reader.get(f"{path}/{new}").json()["email"] == fields["email"]
    assert [one["id"] for one in reader.all(f"{path}?email=wren@example.com")] == [new]
    assert new in [one["id"] for one in reader.all(f"{path}?phoneNumber=%2B61491570156")]
    assert reader.all(f"{path}?email=nobody@example.com") == []


def test_memberships_come_ten_a_page():
    """A customer's lists, ten at a time."""
    sim = pretend(memberships_page_size=10)
    org, reader = sim.loke.organizations[0], Reader(sim)
    guest = sim.loke.create_customer(org)
    made = [sim.loke.create_list(org, f"List {n}", [guest]) for n in range(12)]
    pages = reader.pages(f"/organizations/{org}/customers/{guest}/memberships")
    assert [len(page) for page in pages] == [10, 2]
    assert {one["id"] for page in pages for one in page} == set(made)


def test_unknown_things_are_404_in_lokes_form():
    """Organisations, customers, lists and routes that do not exist; both error bodies."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    paths = ("/organizations/X", "/organizations/X/customers", f"/organizations/{org}/customers/X",
             f"/organizations/{org}/customer-lists/X/members", "/nothing")  # fmt: skip
    for path in paths:
        answer = reader.get(path)
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    assert reader.ask("DELETE", "/organizations").status_code == 405
    sim.loke.switches.error_body = "string"
    assert reader.get(paths[2]).json() == "Customer not found"


def test_deleted_and_hidden_customers_answer_as_the_switches_say():
    """Gone is 404, not permitted is 403; neither is listed; restore brings the record back."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    gone, unseen = sim.loke.customer_ids(org)[:2]
    before = sim.loke.customer(org, gone)
    sim.loke.delete_customer(org, gone)
    sim.loke.hide(org, [unseen])
    path = f"/organizations/{org}/customers"
    assert not {gone, unseen} & {one["id"] for one in reader.all(customers(sim))}
    assert reader.get(f"{path}/{gone}").status_code == 404
    assert reader.get(f"{path}/{unseen}").status_code == 403
    sim.loke.switches.hidden_status, sim.loke.switches.gone_status = 404, 410
    assert reader.get(f"{path}/{unseen}").status_code == 404
    assert reader.get(f"{path}/{gone}").status_code == 410
    assert all(gone not in sim.loke.member_ids(org, one) for one in sim.loke.list_ids(org))
    sim.loke.restore_customer(org, gone)
    sim.loke.unhide(org)
    assert reader.get(f"{path}/{gone}").json() == before
    assert {gone, unseen} <= {one["id"] for one in reader.all(customers(sim))}


def test_lists_are_written_by_the_client_that_made_them():
    """Create, rename, fill, empty, delete; another client's list is read only."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    base, guests = f"/organizations/{org}/customer-lists", sim.loke.customer_ids(org)[:3]
    assert reader.ask("POST", base, json={}).status_code == 400
    made = reader.ask("POST", base, json={"name": "New"})
    assert (made.status_code, made.json()["memberCount"]) == (201, 0)
    assert reader.ask("POST", base, json={"name": "New"}).json()["code"] == "conflict"
    mine = f"{base}/{made.json()['id']}"
    assert reader.ask("PUT", mine, json={"name": "Newer"}).json()["name"] == "Newer"
    assert reader.ask("PUT", f"{mine}/members", json={"customerIds": guests}).status_code == 204
    assert reader.ask("DELETE", f"{mine}/members/{guests[0]}").status_code == 204
    assert reader.ask("PUT", f"{mine}/members/{guests[0]}").status_code == 204
    assert reader.ask("PUT", f"{mine}/members/X").status_code == 404
    assert reader.ask("PUT", f"{mine}/members", json={"customerIds": "X"}).status_code == 400
    assert {one["id"] for one in reader.all(f"{mine}/members")} == set(guests)
    assert reader.get(mine).json()["memberCount"] == 3
    assert reader.ask("PUT", f"{mine}/members", json={"customerIds": []}).status_code == 204
    assert reader.all(f"{mine}/members") == []
    assert reader.ask("DELETE", mine).status_code == 204
    assert reader.get(f"{mine}/members").status_code == 404
    theirs = f"{base}/{sim.loke.create_list(org, 'Theirs', guests, ours=False)}"
    for method, path in (("PUT", ""), ("DELETE", ""), ("PUT", "/members"),
                         ("PUT", f"/members/{guests[0]}"), ("DELETE", f"/members/{guests[0]}")):  # fmt: skip  # noqa: E501
        answer = reader.ask(method, theirs + path, json={"name": "Mine", "customerIds": []})
        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "read_only" if "/members" in path else "conflict",
        )


def test_points_move_the_balance_and_not_the_stamp():
    """A points adjustment is a statistics change."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    guest = sim.loke.create_customer(org, updatedAt="2026-01-01T00:00:00Z")
    path = f"/organizations/{org}/customers/{guest}/points/ref"
    assert reader.ask("PUT", path, json={"amount": 7, "notes": ""}).status_code == 200
    assert reader.ask("PUT", path, json={"amount": "7"}).status_code == 400
    record = sim.loke.customer(org, guest)
    assert record["statistics"]["pointsBalance"] == 7
    assert record["updatedAt"] == "2026-01-01T00:00:00Z"


def test_webhooks_are_kept_and_checked():
    """A subscription needs an address, a secret and known events; its secret is not told."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    path = f"/organizations/{org}/webhooks/mine"
    good = {"url": "http://127.0.0.1/x", "secret": "s", "events": ["customer.updated"]}
    assert reader.ask("PUT", path, json=good).status_code == 200
    for wrong in ({"url": "x"}, {"secret": ""}, {"events": ["x"]}, {"events": []}):
        assert reader.ask("PUT", path, json=good | wrong).status_code == 400
    kept = reader.get(f"/organizations/{org}/webhooks").json()
    assert [hook["ref"] for hook in kept] == ["mine"]
    assert "secret" not in kept[0]
    assert reader.ask("DELETE", path).status_code == 204
    assert reader.ask("DELETE", path).status_code == 404


def test_locations_are_there():
    """Each organisation has one location."""
    sim = pretend()
    org, reader = sim.loke.organizations[0], Reader(sim)
    (place,) = reader.all(f"/organizations/{org}/locations")
    assert reader.get(f"/organizations/{org}/locations/{place['id']}").json() == place


def test_answers_carry_the_vendors_time():
    """The `Date` header is the vendor's clock, on errors and faults too, unless switched off."""
    sim = pretend()
    reader = Reader(sim)
    sim.clock.set(NOON + MINUTE)
    sim.fault("organizations", nth=2, status=503)
    for status in (200, 503):
        answer = reader.get("/organizations")
        assert answer.status_code == status
        assert parsedate_to_datetime(answer.headers["date"]) == NOON + MINUTE
    sim.loke.switches.date_header = False
    assert "date" not in reader.get("/organizations").headers


def test_sync_transport_serves_several_threads():
    """Requests from many threads are all answered, and seen to overlap."""
    sim = pretend()
    sim.fault("customers", times=None, delay=0.02)
    reader, found = Reader(sim), []

    def read() -> None:
        found.append(len(reader.all(customers(sim))))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 4
    assert sim.count("customers") == 20
    assert 2 <= sim.max_in_flight <= 4
    sim.reset_counters()
    assert (sim.count("."), sim.max_in_flight) == (0, 0)


def test_requests_are_kept_without_their_tokens():
    """What was asked is known: host, status, whether signed; the token is nowhere."""
    sim = pretend()
    reader = Reader(sim)
    reader.http.get("http://elsewhere.test/loke/organizations")
    reader.get("/organizations?query=quay")
    token, stray, asked = sim.requests
    assert (token.method, token.status, token.authorized) == ("POST", 200, True)
    assert (stray.host, stray.status, stray.authorized) == ("elsewhere.test", 401, False)
    assert (asked.path, asked.query) == ("/loke/organizations", "query=quay")
    assert (asked.at, asked.in_flight) == (NOON, 1)
    assert not re.search(f"{reader.token}|{sim.loke.client_secret}", repr(sim.requests))
