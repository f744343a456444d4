"""Foodics' wire as documented, read by a reader that knows only the documentation."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from simulator import MISSING
from simulator.people import DOMAINS
from tests.simulator.foodics_reader import (
    ALL_SCOPES,
    EVERYTHING,
    LONG_AGO,
    NOON,
    Reader,
    pretend,
)

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
OWN = [
    "id", "name", "dial_code", "phone", "email", "gender", "birth_date", "notes",
    "house_account_limit", "house_account_balance", "loyalty_balance", "is_loyalty_enabled",
    "is_blacklisted", "is_house_account_enabled", "last_order_at", "order_count", "created_at",
    "updated_at", "deleted_at",
]  # fmt: skip


@pytest.mark.parametrize("form", [None, "bearer {}", "Bearer {}x", "Basic {}", "{}"])
def test_only_a_token_after_the_word_bearer_is_let_in(form):
    """No token, a wrong one, another scheme, or the word in lower case: 401."""
    reader = Reader(pretend())
    token = reader.vendor.token(reader.tenant)
    with httpx.Client(transport=reader.sim.transport()) as client:
        headers = {"Authorization": form.format(token)} if form else {}
        answer = client.get(f"{reader.vendor.base_url}/whoami", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})
    assert reader.get("/whoami").status_code == 200
    reader.vendor.revoke(reader.tenant)
    assert reader.get("/whoami").status_code == 401


def test_each_token_sees_its_own_business():
    """85 % stand in the first business; who one is, its settings and its scopes are told."""
    sim = pretend(customers=200)
    first, second = Reader(sim), Reader(sim, 1)
    own = sim.foodics.customer_ids(first.tenant) + sim.foodics.deleted_ids(first.tenant)
    assert len(own) == 170
    assert not set(first.ids()) & set(second.ids())
    assert second.get(f"/customers/{first.ids()[0]}").status_code == 404
    who = first.get("/whoami").json()["data"]
    assert who["business"] == {"id": first.tenant, "name": "Majlis & Mint", "reference": 400123}
    assert {"customers.list", "general.read"} <= set(who["scopes"])
    settings = second.get("/settings").json()["data"]
    assert (settings["business_currency"], settings["business_timezone"]) == ("KWD", "Asia/Kuwait")


def test_the_envelope_of_a_list():
    """Links and meta as Laravel has them; 50 is a cap, and nothing stands beyond the last page."""
    reader = Reader(pretend(customers=180, page_size=50))
    body = reader.get(per_page=500, sort="name").json()
    total, path = len(reader.truth()), f"{reader.vendor.base_url}/customers"
    assert len(body["data"]) == 50
    assert body["links"] == {
        "first": f"{path}?page=1", "last": f"{path}?page=3", "prev": None, "next": f"{path}?page=2",
    }  # fmt: skip
    tour = body["meta"].pop("links")
    assert [step["label"] for step in tour][1:-1] == ["1", "2", "3"]
    assert body["meta"] == {
        "current_page": 1, "from": 1, "last_page": 3, "path": path, "per_page": 50, "to": 50,
        "total": total,
    }  # fmt: skip
    last = reader.get(page=3).json()
    assert (last["meta"]["from"], last["meta"]["to"], last["links"]["next"]) == (101, total, None)
    beyond = reader.get(page=4).json()
    assert (beyond["data"], beyond["meta"]["from"], beyond["links"]["next"]) == ([], None, None)
    assert [reader.get(page=odd).json()["meta"]["current_page"] for odd in ("x", 0, -1)] == [1] * 3


def test_a_customer_as_documented():
    """Every documented key and type; what can be included is absent, not empty, unless asked."""
    reader = Reader(pretend(customers=300))
    plain = reader.all()
    assert all(list(record) == OWN for record in plain)
    for record in plain:
        assert all(STAMP.fullmatch(record[name]) for name in ("created_at", "updated_at"))
        assert isinstance(record["dial_code"], int)
        assert isinstance(record["phone"], str)
        assert record["gender"] in (1, 2, None)
        assert record["is_loyalty_enabled"] is not True
    assert any(record["house_account_balance"] % 1 for record in plain)
    for asked, keys in (("tags", ["tags"]), ("addresses", ["addresses"]), (EVERYTHING, None)):
        record = reader.all(include=asked)[3]
        assert list(record) == OWN + (keys or ["tags", "addresses"])
    full = {record["id"]: record for record in reader.all(include=EVERYTHING)}
    assert full == reader.truth()
    assert reader.walk(include=EVERYTHING) == full
    address = next(record["addresses"][0] for record in full.values() if record["addresses"])
    assert isinstance(address["latitude"], str)
    assert set(address["delivery_zone"]) == {"id", "name"}
    bare = reader.get(f"/customers/{reader.ids()[0]}", include="addresses").json()["data"]
    assert not any("delivery_zone" in one for one in bare["addresses"])


def test_everybody_is_made_up_and_the_same_for_a_seed():
    """Reserved domains, numbers for fiction or impossible ones; seed and clock decide all."""
    assert pretend().foodics.truth() == pretend().foodics.truth() != pretend(seed=8).foodics.truth()
    for record in pretend(customers=2000).foodics.truth().customers.values():
        if record["email"]:
            assert record["email"].strip().lower().rpartition("@")[2] in DOMAINS
        if record["dial_code"] == 966:
            assert record["phone"].startswith("0000")


@pytest.mark.parametrize(
    "name",
    ["created_at", "updated_at", "last_order_at", "order_count", "name", "email",
     "is_blacklisted", "house_account_balance"],
)  # fmt: skip
def test_every_sort_rises_and_falls(name):
    """Nothing comes first when rising; the falling order is the rising one turned round."""
    reader = Reader(pretend(customers=150))
    rising = reader.all(sort=name)
    values = [record[name] for record in rising if record[name] is not None]
    assert values == sorted(values, key=lambda one: one.lower() if isinstance(one, str) else one)
    assert all(record[name] is None for record in rising[: len(rising) - len(values)])
    assert [record["id"] for record in rising][::-1] == reader.ids(sort=f"-{name}")


def test_every_filter_of_customers():
    """Each filter leaves just those that fit; several leave those that fit all."""
    reader = Reader(pretend(customers=400))
    truth = list(reader.truth().values())
    one = next(record for record in truth if record["email"] and record["tags"])
    tag = one["tags"][0]["id"]
    expected = {
        ("id", one["id"]): lambda r: r["id"] == one["id"],
        ("name", one["name"][1:].upper()): lambda r: one["name"][1:].lower() in r["name"].lower(),
        ("email", one["email"].strip()): lambda r: r["id"] == one["id"],
        ("phone", one["phone"]): lambda r: r["phone"] == one["phone"],
        ("dial_code", 44): lambda r: r["dial_code"] == 44,
        ("tags.id", tag): lambda r: tag in [t["id"] for t in r["tags"]],
        ("is_blacklisted", "true"): lambda r: r["is_blacklisted"],
        ("is_house_account_enabled", "1"): lambda r: r["is_house_account_enabled"],
        ("is_loyalty_enabled", "false"): lambda r: not r["is_loyalty_enabled"],
        ("has_orders", "true"): lambda r: r["order_count"],
        ("has_email", "false"): lambda r: not r["email"],
        ("has_negative_balance", "true"): lambda r: r["house_account_balance"] < 0,
        ("updated_after", "2026-01-01  00:00:00"): lambda r: r["updated_at"] > "2026",
        ("created_on", one["created_at"][:10]): lambda r: r["created_at"][:10] == (
            one["created_at"][:10]
        ),
        ("updated_on", one["updated_at"][:10]): lambda r: r["updated_at"][:10] == (
            one["updated_at"][:10]
        ),
        ("is_deleted", "false"): lambda _: True,
        ("colour", "red"): lambda _: True,
    }  # fmt: skip
    for (name, value), fits in expected.items():
        wanted = {record["id"] for record in truth if fits(record)}
        assert wanted, name
        for sort in ("created_at", "-updated_at"):
            assert set(reader.ids(sort=sort, **{name: value})) == wanted, name
    both = {record["id"] for record in truth if record["tags"] and record["updated_at"] > "2026"
            and tag in [t["id"] for t in record["tags"]]}  # fmt: skip
    asked = {"tags.id": tag, "updated_after": "2026-01-01 00:00:00"}
    assert set(reader.ids(sort="updated_at", **asked)) == both
    refused = reader.get(updated_after="yesterday")
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["filter.updated_after"]


def test_soft_deletes_erasures_and_restores():
    """A deleted customer stands in the deleted list only, comes back whole; an erased one never."""
    reader = Reader(pretend())
    vendor, tenant = reader.vendor, reader.tenant
    one, other = vendor.customer_ids(tenant)[:2]
    vendor.set_tags(tenant, one, vendor.tag_ids(tenant)[:2])
    before = reader.truth()[one]
    reader.sim.clock.advance(timedelta(seconds=90))
    vendor.delete_customer(tenant, one)
    vendor.erase_customer(tenant, other)
    assert not {one, other} & (set(reader.ids()) | reader.truth().keys())
    deleted = reader.all(is_deleted="true", sort="-updated_at")
    assert [record["id"] for record in deleted] == [
        one, *(record["id"] for record in deleted if record["id"] != one),
    ]  # fmt: skip
    assert (deleted[0]["deleted_at"], deleted[0]["updated_at"]) == ("2026-05-02 12:01:30",) * 2
    assert len(deleted) == len(vendor.deleted_ids(tenant)) == 2
    assert reader.ids(deleted_on="2026-05-02") == [one]
    assert reader.ids(is_deleted="true", updated_after="2026-05-02 12:00:00") == [one]
    assert [reader.get(f"/customers/{gone}").status_code for gone in (one, other)] == [404, 404]
    vendor.restore_customer(tenant, one)
    assert reader.truth()[one] == before | {"updated_at": "2026-05-02 12:01:30"}
    assert one in reader.ids()
    with pytest.raises(KeyError):
        vendor.restore_customer(tenant, other)


def test_staff_changes_and_what_moves_the_stamp():
    """Fields, tags, addresses and orders change; the stamp moves with an edit, or if told."""
    reader = Reader(pretend())
    vendor, tenant, clock = reader.vendor, reader.tenant, reader.sim.clock
    made = vendor.create_customer(tenant, name="Wren", gender=MISSING, order_count=None)
    record = reader.truth()[made]
    assert ("gender" in record, record["order_count"], record["tags"]) == (False, None, [])
    clock.advance(timedelta(seconds=5))
    tag = vendor.create_tag(tenant, "Brunch", type=2)
    vendor.attach(tenant, tag, made)
    vendor.order(tenant, made)
    vendor.set_addresses(tenant, made, [{"name": "Home"}, {"name": "Work", "details": None}])
    vendor.update_customer(tenant, made, _touch=False, notes="x", gender=2)
    record = reader.truth()[made]
    assert record["updated_at"] == "2026-05-02 12:00:00"
    assert (record["order_count"], record["last_order_at"]) == (1, "2026-05-02 12:00:05")
    assert record["tags"] == [{"id": tag, "name": "Brunch"}]
    assert [one["name"] for one in record["addresses"]] == ["Home", "Work"]
    vendor.rename_tag(tenant, tag, "Late brunch")
    assert reader.truth()[made]["tags"][0]["name"] == "Late brunch"
    vendor.detach(tenant, tag, made, _touch=True)
    assert reader.truth()[made]["updated_at"] == "2026-05-02 12:00:05"
    assert vendor.truth().members[tenant, "tag", tag] == {}
    clock.advance(timedelta(seconds=5))
    touched = vendor.touch(tenant, 7) + vendor.touch(tenant, 7)
    assert len(set(touched)) == 14
    assert reader.walk("2026-05-02 12:00:05").keys() == set(touched)
    vendor.bulk_stamp(tenant, vendor.customer_ids(tenant)[:35], NOON + timedelta(seconds=7))
    assert len(reader.ids(updated_after="2026-05-02 12:00:06", updated_on="2026-05-02")) >= 35
    assert reader.walk(include=EVERYTHING) == reader.truth()


def test_tags_and_their_counts():
    """Tags are listed living, counted if asked, filtered by type; a deleted one is on nobody."""
    reader = Reader(pretend(customers=300))
    vendor, tenant = reader.vendor, reader.tenant
    tags = reader.all("/tags", include="customersCount")
    assert len(tags) == 6
    assert {tag["type"] for tag in tags} == {1, 2}
    truth = vendor.truth()
    for tag in tags:
        assert truth.lists[tenant, "tag", tag["id"]] == tag
        assert len(truth.members[tenant, "tag", tag["id"]]) == tag["customers_count"]
    assert not any("customers_count" in tag for tag in reader.all("/tags"))
    assert [tag["type"] for tag in reader.all("/tags", type="2")] == [2, 2]
    assert len(reader.all("/tags", type="1,2")) == 6
    worn = max(tags, key=lambda tag: tag["customers_count"])["id"]
    reader.sim.clock.advance(timedelta(seconds=1))
    vendor.delete_tag(tenant, worn)
    assert worn not in reader.ids("/tags")
    assert reader.ids("/tags", is_deleted="true") == [worn]
    assert reader.ids("/tags", is_deleted="true", updated_after="2026-05-02 12:00:00") == [worn]
    assert reader.get(f"/tags/{worn}").status_code == 404
    assert worn not in str(reader.all(include="tags"))
    assert (tenant, "tag", worn) not in vendor.truth().lists


def test_addresses_and_zones():
    """Addresses of the living, by customer; replaced ones are deleted; customer if asked."""
    reader = Reader(pretend())
    vendor, tenant = reader.vendor, reader.tenant
    truth = reader.truth().values()
    whose = {one["id"]: record["id"] for record in truth for one in record["addresses"]}
    listed = reader.all("/addresses", include="customer,delivery_zone")
    assert {one["id"]: one["customer"]["id"] for one in listed} == whose
    owner, old = listed[0]["customer"]["id"], listed[0]["id"]
    own = {one for one, customer in whose.items() if customer == owner}
    assert set(reader.ids("/addresses", customer_id=owner)) == own
    assert "customer" not in reader.get(f"/addresses/{old}").json()["data"]
    vendor.set_addresses(tenant, owner, [])
    assert old not in reader.ids("/addresses", sort="customer_id")
    assert set(reader.ids("/addresses", is_deleted="1")) == own
    hidden, deleted = sorted(set(whose.values()) - {owner})[:2]
    vendor.hide(tenant, [hidden])
    vendor.delete_customer(tenant, deleted)
    left = {one for one, customer in whose.items() if customer not in (owner, hidden, deleted)}
    assert set(reader.ids("/addresses")) == left
    zones = {zone["id"] for zone in reader.all("/delivery_zones")}
    assert zones == set(vendor.world[tenant].zones)


def test_writes_over_the_wire():
    """POST, PUT, DELETE and restore do what staff can; the answer is the customer as it is."""
    reader = Reader(pretend(scopes=ALL_SCOPES))
    tag = reader.vendor.tag_ids(reader.tenant)[0]
    body = {
        "name": "Simona", "dial_code": 1, "phone": "2025550123", "is_loyalty_enabled": False,
        "house_account_limit": 100, "house_account_balance": 300, "tags": [{"id": tag}],
    }  # fmt: skip
    made = reader.ask("POST", "/customers?include=tags", json=body)
    assert made.status_code == 201
    record = made.json()["data"]
    assert record["is_loyalty_enabled"] is not False
    assert (record["is_loyalty_enabled"], record["house_account_limit"]) == (0, 100)
    assert (record["house_account_balance"], record["tags"][0]["id"]) == (0, tag)
    path = f"/customers/{record['id']}"
    put = reader.ask("PUT", path, json={"email": "simona@example.net", "tags": []})
    assert put.json()["data"]["email"] == "simona@example.net"
    assert reader.get(path, include="tags").json()["data"]["tags"] == []
    assert reader.ask("DELETE", path).status_code == 204
    assert reader.get(path).status_code == 404
    assert reader.ask("PUT", f"{path}/restore").json()["data"]["deleted_at"] is None
    assert reader.get(path).status_code == 200
    wrong = {"name": "", "gender": 3, "birth_date": "1/2/3", "tags": [{"id": []}], "phone": "1"}
    refused = reader.ask("POST", "/customers", json=wrong)
    assert refused.status_code == 422
    assert refused.json()["message"] == "The given data was invalid."
    assert set(refused.json()["errors"]) == {"name", "dial_code", "gender", "birth_date", "tags"}
    assert reader.ask("DELETE", "/tags").status_code == 405
    assert reader.ask("GET", "/nothing").status_code == 404


def test_the_limit_is_told_on_every_answer():
    """What is left is told; beyond the limit 429 until the minute is over; refused ones count."""
    reader = Reader(pretend(rate_limit=3))
    left = [reader.get("/tags").headers["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    for _ in range(4):
        reader.sim.clock.advance(timedelta(seconds=10))
        refused = reader.get("/tags")
        assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
        assert refused.headers["X-RateLimit-Limit"] == "3"
    assert 20 <= int(refused.headers["Retry-After"]) <= 21
    assert Reader(reader.sim, 1).get("/tags").status_code == 200
    reader.sim.clock.advance(timedelta(seconds=21))
    assert reader.get("/tags").headers["X-RateLimit-Remaining"] == "2"


def test_maintenance_is_a_page_of_the_edge():
    """503 may be HTML; the next answer is whole again."""
    reader = Reader(pretend())
    html = {"content-type": "text/html"}
    reader.sim.fault("/customers", status=503, body="<html>maintenance</html>", headers=html)
    answer = reader.get()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html")
    assert reader.get(updated_after=LONG_AGO).status_code == 200


def test_control_from_another_process():
    """Describe is enough to sign in; staff's hands are there as paths; mistakes are told."""
    sim = pretend()
    told = httpx.Client(transport=sim.transport(), base_url="http://x/_control/")
    tenant, about = next(iter(told.get("describe").json()["foodics"]["tenants"].items()))
    assert about["token"] == sim.foodics.token(tenant)
    assert about["sample"] == sim.foodics.customer_ids(tenant)[:20]
    path = f"foodics/tenants/{tenant}/customers"
    made = told.post(path, json={"name": "Wren", "_missing": ["notes"]}).json()["id"]
    tag = told.post(f"foodics/tenants/{tenant}/tags", json={"name": "New"}).json()["id"]
    told.put(f"foodics/tenants/{tenant}/tags/{tag}/customers/{made}")
    told.patch(f"{path}/{made}", json={"gender": 1, "_touch": False})
    record = sim.foodics.customer(tenant, made)
    assert (record["gender"], record["tags"][0]["name"], "notes" in record) == (1, "New", False)
    assert told.post(f"{path}/touch", json={"count": 5}).json() == {"touched": 5}
    told.delete(f"{path}/{made}")
    assert made in sim.foodics.deleted_ids(tenant)
    told.post(f"{path}/{made}/restore")
    assert tag in told.get("truth").json()["foodics"]["members"][tenant]["tag"]
    told.post(f"{path}/{made}/erase")
    assert told.delete(f"{path}/{made}").status_code == 400
    assert told.patch("foodics/switches", json={"colour": 1}).status_code == 400
    assert told.patch("foodics/switches", json={"page_size": 3}).json()["page_size"] == 3
    assert told.post("render").status_code == 200
