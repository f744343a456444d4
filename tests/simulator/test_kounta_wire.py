"""Kounta's wire as documented, its world, and the hands that change it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import httpx
import pytest

from simulator import MISSING
from simulator.kounta import signature
from simulator.kounta.build import TAGS
from simulator.people import _MOBILES
from tests.simulator.kounta_reader import NOON, Reader, pretend, steady

ABRIDGED = {
    "id", "company_id", "first_name", "last_name", "primary_email_address", "image",
    "reference_id",
}  # fmt: skip
WHOLE = ABRIDGED | {
    "people_id", "description", "email_addresses", "phone", "mobile", "fax", "shipping_address",
    "primary_address", "addresses", "tags", "accepts_marketing", "created_at", "updated_at",
}  # fmt: skip
_RESERVED = re.compile(r"(.+\.)?(example\.(com|org|net)|test|example|invalid)")
_FICTION = re.compile(
    rf"\+61(491({'|'.join(_MOBILES)})|[2378](5550|7010)\d{{4}})|\+44(7700900|2079460)\d{{3}}"
    r"|\+1[2-9]\d\d55501\d\d"
)


def test_answers_are_json_only_where_asked_for():
    """Without `Accept: application/json` 406, unless the path ends in `.json`."""
    sim = pretend()
    reader = Reader(sim)
    for accept, status in (("application/json", 200), ("text/html, application/json", 200),
                           ("*/*", 406), ("text/html", 406)):  # fmt: skip
        assert reader.get(headers={"Accept": accept}).status_code == status
    plain = {"Accept": "text/html"}
    first = reader.get("/customers.json", headers=plain)
    assert (first.status_code, len(first.json())) == (200, 10)
    assert "customers.json?start=" in first.headers["x-next-page"]
    one = reader.get(f"/customers/{first.json()[0]['id']}.json", headers=plain)
    assert one.json()["tags"] is not None


@pytest.mark.parametrize("basic", [True, False])
def test_each_company_has_a_credential_of_its_own(basic):
    """A client sees its own company by either way to sign in, and no other."""
    sim = pretend()
    for tenant, other in (("5678", "5679"), ("5679", "5678")):
        reader = Reader(sim, tenant, basic=basic)
        me = reader.get(f"{sim.kounta.base_url}/companies/me").json()
        assert (str(me["id"]), me["timezone"]["offset"]) == (tenant, "+10:00")
        assert me == sim.kounta.truth().tenants[tenant]
        assert reader.get().status_code == 200
        foreign = f"{sim.kounta.base_url}/companies/{other}/customers"
        assert reader.get(foreign).status_code == 403
        assert reader.get(f"{foreign}/700101").status_code == 403


def test_no_wrong_and_made_up_credentials_are_401():
    """Errors are OAuth's: a code and a sentence."""
    sim = pretend()
    reader = Reader(sim)
    for value in ("", "Basic !", "Basic eDp5", "Bearer made-up", "bearer"):
        refused = reader.get(headers={"Authorization": value})
        assert refused.status_code == 401
        assert set(refused.json()) == {"error", "error_description"}


def test_refresh_token_rotates_and_the_old_one_dies_at_once():
    """Each refresh hands out a new refresh token; access tokens given out before live on."""
    sim = pretend()
    reader = Reader(sim)
    first = sim.kounta.refresh_token("5678")
    assert first == reader.refresh_token
    answer = reader.refresh()
    assert answer.json() | {"access_token": "", "refresh_token": ""} == {
        "access_token": "", "refresh_token": "", "expires_in": 3600, "token_type": "Bearer",
        "scope": "",
    }  # fmt: skip
    assert sim.kounta.refresh_token("5678") == answer.json()["refresh_token"] != first
    dead = reader.refresh(first)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert reader.get().status_code == 200


def test_token_address_takes_both_paths_bodies_and_grants():
    """`/token` and `/token.json`, a form, JSON or Basic; a code works once, for its company."""
    sim = pretend()
    reader = Reader(sim)
    for path in ("/token", "/token.json"):
        for json in (True, False):
            code = sim.kounta.authorization_code("5678")
            asked = {"grant_type": "authorization_code", "code": code}
            answer = reader.token(path, json=json, **asked)
            assert answer.status_code == 200
            reader.refresh_token = answer.json()["refresh_token"]
            assert reader.token(path, **asked).json()["error"] == "invalid_grant"
    form = {"grant_type": "refresh_token", "refresh_token": reader.refresh_token}
    url = sim.kounta.token_url
    assert reader.http.post(url, data=form, auth=reader.client).status_code == 200
    other = sim.kounta.authorization_code("5679")
    assert reader.token(grant_type="authorization_code", code=other).status_code == 400
    assert reader.token(client_secret="x", **form).json()["error"] == "invalid_client"
    assert reader.token(grant_type="password").json()["error"] == "unsupported_grant_type"
    assert reader.http.get(url).status_code == 405


def test_pages_lead_to_everything_once_in_the_order_of_ids():
    """Abridged records in a bare array; the header leads on by the last id, not on the last page."""  # noqa: E501
    sim = pretend()
    reader = Reader(sim)
    first = reader.get()
    last_id = first.json()[-1]["id"]
    assert first.headers["x-next-page"] == (
        f"http://vendors.test/kounta/v1/companies/5678/customers?start={last_id}"
    )
    pages = reader.pages()
    assert [len(page) for page in pages] == [10, 10, 10, 10, 10, 1]
    records = [record for page in pages for record in page]
    assert all(set(record) == ABRIDGED for record in records)
    ids = [record["id"] for record in records]
    assert ids == sorted(set(ids))
    assert list(map(str, ids)) == sim.kounta.customer_ids("5678")
    assert ids[0] == 700101
    assert sum(one > 2**53 for one in ids) == 3
    exact = reader.get("/customers?start=700101").json()
    assert exact[0]["id"] > 700101
    assert reader.get("/customers?start=x").status_code == 400


def test_full_read_sees_the_truth():
    """List, details, addresses and orders of both companies equal `truth()`, tags included."""
    sim = pretend(customers=120)
    sim.kounta.hide("5678", sim.kounta.customer_ids("5678")[:2])
    sim.kounta.create_customer("5679", tags=["VIP", "only"], company_id=MISSING, phone=None)
    truth, members = sim.kounta.truth(), {}
    for tenant in sim.kounta.tenants:
        reader = Reader(sim, tenant)
        for customer_id in reader.ids():
            record = reader.get(f"/customers/{customer_id}").json()
            assert record == truth.customers.pop((tenant, customer_id))
            assert set(record) >= WHOLE - {"company_id"}
            for tag in record["tags"]:
                members.setdefault((tenant, "tag", tag), {})[customer_id] = None
            places = reader.get(f"/customers/{customer_id}/addresses").json()
            assert len(places) == record["addresses"]["count"]
            kept = [one for one in (record["shipping_address"], record["primary_address"]) if one]
            assert [one["id"] for one in places] == [one["id"] for one in kept]
            assert all({"lines", "zone", "postal_code", "country"} <= one.keys() for one in kept)
            assert reader.get(f"/customers/{customer_id}/orders").json() == []
    assert truth.customers == {}
    assert truth.members == members
    assert truth.lists == {key: {"id": key[2], "name": key[2]} for key in members}


def test_stamps_are_always_now():
    """Created and updated, and the addresses', are the moment of the request, with an offset."""
    sim = pretend()
    reader = Reader(sim)
    before = reader.get("/customers/700101").json()
    assert before["created_at"] == before["updated_at"] == "2026-05-02T22:00:00+10:00"
    sim.clock.advance(timedelta(seconds=1))
    after = reader.get("/customers/700101").json()
    assert datetime.fromisoformat(after["addresses"]["updated_at"]) == NOON + timedelta(seconds=1)
    assert after != before
    assert steady(after) == steady(before)


def test_searches_redirect_or_find_nothing():
    """By e-mail, by mobile, by both names and phone: 302 to the one, or 404; never a list."""
    sim = pretend()
    reader, url = Reader(sim), f"{sim.kounta.base_url}/companies/5678/customers"
    fields = {"first_name": "Zoë", "last_name": 'O"Shea', "phone": "(02) 5550 0123",
              "mobile": "0491 570 110", "primary_email_address": "z@example.com"}  # fmt: skip
    made = sim.kounta.create_customer("5678", **fields)
    named = {name: fields[name] for name in ("first_name", "last_name", "phone")}
    for params in ({"email": "z@example.com"}, {"mobile": "0491 570 110"}, named):
        found = reader.get(params=params)
        assert (found.status_code, found.headers["location"]) == (302, f"{url}/{made}")
        assert reader.get(params=params, follow_redirects=True).json()["first_name"] == "Zoë"
        nobody = dict.fromkeys(params, "nobody")
        assert reader.get(params=nobody).status_code == 404
    dotted = reader.get("/customers.json", params=named).headers["location"]
    assert dotted == f"{url}/{made}.json"
    assert reader.get(params={"first_name": "Zoë"}).status_code == 400
    sim.kounta.hide("5678", [made])
    assert reader.get(params=named).status_code == 404


def test_search_by_reference_is_a_list_even_of_none():
    """Always 200: none, one, or several pages of those who share a reference."""
    sim = pretend()
    reader = Reader(sim)
    assert reader.get(params={"reference_id": "NONE"}).json() == []
    assert reader.get(params={"reference_id": ""}).json() == []
    shared = [sim.kounta.create_customer("5678", reference_id="A&B") for _ in range(12)]
    pages = reader.pages("/customers?reference_id=A%26B")
    assert [len(page) for page in pages] == [10, 2]
    assert [str(one["id"]) for page in pages for one in page] == shared


def test_customers_are_written():
    """POST needs a name and a way to reach; PUT changes what is given; mobiles are unique."""
    sim = pretend()
    reader = Reader(sim)
    post, put = reader.http.post, reader.http.put
    assert post("/customers", json={"first_name": "Wren"}).status_code == 400
    place = {"address": "1 Test St", "city": "Testville", "state": "WA", "postal_code": "6000",
             "country": "AU"}  # fmt: skip
    body = {"first_name": "Wren", "email": "w@example.com", "mobile": "0491 570 110",
            "shipping_address": place, "colour": "red"}  # fmt: skip
    made = post("/customers", json=body)
    assert (made.status_code, made.content) == (201, b"")
    where = made.headers["location"]
    record = reader.get(where).json()
    assert str(record["id"]) == reader.ids()[-1] == where.rpartition("/")[2]
    assert record["primary_email_address"] == record["email_addresses"][0] == "w@example.com"
    assert record["shipping_address"]["lines"] == ["1 Test St"]
    assert record["shipping_address"]["zone"] == "WA"
    assert "colour" not in record
    changed = put(where, json={"tags": ["VIP"], "shipping_address": None, "mobile": None})
    assert changed.status_code == 200
    assert steady(changed.json()) == steady(record) | {
        "tags": ["VIP"], "shipping_address": None, "mobile": None, "addresses": {"count": 0},
    }  # fmt: skip
    put(where, json={"mobile": "0491 570 110"})
    for wrong in ({"mobile": "0491 570 110"}, {"tags": "VIP"}, {"phone": 5}, {"last_name": []},
                  {"accepts_marketing": "yes"}, {"shipping_address": place | {"country": "AUS"}}):  # fmt: skip  # noqa: E501
        assert put("/customers/700101", json=wrong).status_code == 400
    assert put(where, json={"mobile": "0491 570 110"}).status_code == 200
    assert put(where, data={"phone": "1"}).status_code == 400
    assert put("/customers/1", json={}).status_code == 404


def test_what_is_not_there_is_404_and_deleting_405():
    """Customers and routes that do not exist; there is no deleting of customers."""
    reader = Reader(pretend())
    for path in ("/customers/1", "/customers/x", "/customers/1/addresses", "/customers/1/orders",
                 "/tags", "/webhooks/1"):  # fmt: skip
        refused = reader.get(path)
        assert (refused.status_code, refused.json()["error"]) == (404, "not_found")
    assert reader.http.delete("/customers/700101").status_code == 405
    assert reader.get("http://vendors.test/kounta/v2/companies/me").status_code == 404


def test_gone_and_hidden_customers_answer_as_the_switches_say():
    """Gone is 404, not permitted is 403; neither is listed; restore brings the record back."""
    sim = pretend()
    reader, kounta = Reader(sim), sim.kounta
    gone, unseen, *rest = kounta.customer_ids("5678")
    before = kounta.customer("5678", gone)
    sim.render()
    kounta.delete_customer("5678", gone)
    kounta.hide("5678", [unseen])
    assert reader.ids() == rest
    assert {key[1] for key in kounta.truth().customers if key[0] == "5678"} == set(rest)
    assert reader.get(f"/customers/{gone}").status_code == 404
    assert reader.get(f"/customers/{unseen}").status_code == 403
    kounta.switches.gone_status, kounta.switches.hidden_status = 410, 404
    assert reader.get(f"/customers/{gone}").status_code == 410
    assert reader.get(f"/customers/{unseen}").json()["error"] == "not_found"
    kounta.delete_customer("5678", unseen)
    kounta.restore_customer("5678", gone)
    kounta.restore_customer("5678", unseen)
    assert reader.ids() == [gone, *rest]
    kounta.unhide("5678")
    assert kounta.customer("5678", gone) == before
    assert reader.ids() == [gone, unseen, *rest]


def test_staff_change_what_the_whole_record_says():
    """Tags, addresses and fields; a renamed tag moves its members; new ids are the highest."""
    sim = pretend(customers=0)
    reader, kounta = Reader(sim), sim.kounta
    one, two = (kounta.create_customer("5678") for _ in range(2))
    assert (one, two) == ("700101", "700102")
    kounta.set_tags("5678", one, ["VIP", "a,b", "⭐"])
    kounta.set_tags("5678", two, ["VIP", "vip"])
    kounta.rename_tag("5678", "VIP", "vip")
    members = kounta.truth().members
    assert members["5678", "tag", "vip"] == {one: None, two: None}
    assert kounta.customer("5678", two)["tags"] == ["vip"]
    assert set(members) == {("5678", "tag", tag) for tag in ("vip", "a,b", "⭐")}
    kounta.set_address("5678", one, "primary_address", {"lines": ["1 Test St"], "country": "AU"})
    kounta.update_customer("5678", one, description=MISSING, accepts_marketing=False)
    record = reader.get(f"/customers/{one}").json()
    assert record["addresses"]["count"] == 1
    assert record["primary_address"]["lines"] == ["1 Test St"]
    assert "description" not in record
    assert record["accepts_marketing"] is False
    kounta.set_address("5678", one, "primary_address", None)
    assert reader.get(f"/customers/{one}").json()["primary_address"] is None
    with pytest.raises(KeyError):
        kounta.set_address("5678", one, "elsewhere", None)


def test_touch_spreads_and_rotates():
    """Touched customers are others each time; every second change is not in the list."""
    sim = pretend(customers=100)
    reader, kounta = Reader(sim), sim.kounta

    def listed():
        return {str(one["id"]): one for page in reader.pages() for one in page}

    before = listed()
    first = kounta.touch("5678", 10)
    after = listed()
    assert [one for one in after if after[one] != before[one]] == first[::2]
    assert len(first) == 10
    assert not set(first) & set(kounta.touch("5678", 10))
    assert kounta.touch("5678", 0) == []


def test_webhooks_are_kept_and_checked():
    """Create, read, change, delete; topics, addresses and headers must be possible ones."""
    reader = Reader(pretend())
    hook = {"topic": "customers/deleted", "address": "https://hooks.example.com/k"}
    made = reader.http.post("/webhooks", json=hook)
    assert made.status_code == 201
    where = made.headers["location"]
    assert reader.get(where).json() == made.json()
    assert reader.get("/webhooks").json() == [made.json()]
    assert made.json()["format"] == "json"
    assert reader.http.put(where, json={"format": "xml"}).json() == made.json() | {"format": "xml"}
    for wrong in ({"topic": "x"}, {"address": "ftp://x"}, {"format": "csv"}, {"filter": []},
                  {"headers": {"X-Kounta-A": "1"}}, {"headers": {"Cookie": "1"}}):  # fmt: skip
        assert reader.http.post("/webhooks", json=hook | wrong).status_code == 400
    assert reader.http.delete(where).status_code == 204
    assert reader.get("/webhooks").json() == []
    assert reader.http.put(where, json={}).status_code == 404


def test_signature_is_hex_hmac():
    """As `openssl dgst -sha256 -hmac key` says."""
    assert signature(b"The quick brown fox jumps over the lazy dog", "key") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )


def test_world_has_the_gaps_of_a_real_one_and_nobody_in_it():
    """Reserved domains and numbers, unique mobiles, every tag, every kind of consent."""
    sim = pretend(customers=4000)
    assert len(sim.kounta.customer_ids("5678")) == 3400
    records = list(sim.kounta.truth().customers.values())
    emails = [email for one in records for email in one["email_addresses"]]
    assert all(_RESERVED.fullmatch(email.strip().lower().rpartition("@")[2]) for email in emails)
    mobiles = [one["mobile"] for one in records if one["mobile"]]
    phones = [one["phone"] for one in records if one["phone"]]
    assert len({_e164(one) for one in mobiles}) == len(mobiles) > 1500
    assert all(_FICTION.fullmatch(_e164(one)) for one in mobiles)
    odd = {one for one in phones if not _FICTION.fullmatch(_e164(one))}
    assert odd <= {"n/a", "-", "+61"}
    for style in (r"\(0\d\) \d{4} \d{4}", r"\+61 \d \d{4} \d{4}", r"0\d{9}", r"\+61\d{9}"):
        assert any(re.fullmatch(style, one) for one in phones), style
    assert {one["accepts_marketing"] for one in records} == {True, False, None}
    assert {tag for one in records for tag in one["tags"]} == set(TAGS)
    share = {
        "tags": 0.6, "reference_id": 0.9, "description": 0.94, "shipping_address": 0.75,
        "mobile": 0.58,
    }  # fmt: skip
    for name, empty in share.items():
        assert abs(sum(not one[name] for one in records) / len(records) - empty) < 0.03, name
    assert pretend().kounta.truth() == pretend().kounta.truth() != pretend(seed=8).kounta.truth()


def _e164(written):
    digits = re.sub(r"[^0-9+]", "", written)
    if digits.startswith(("07700", "0207")):
        return f"+44{digits[1:]}"
    return f"+61{digits[1:]}" if digits.startswith("0") else digits


def test_control_interface():
    """Everything staff do, from another process; what cannot be done is told."""
    sim = pretend()
    kounta = sim.kounta
    with httpx.Client(transport=sim.transport(), base_url="http://x/_control/") as control:
        told = control.get("describe").json()["kounta"]
        assert told["tenants"]["5678"]["refresh_token"] == kounta.refresh_token("5678")
        assert len(told["tenants"]["5678"]["sample"]) == 20
        path = "kounta/tenants/5678"
        one = control.post(f"{path}/customers", json={"first_name": "Wren"}).json()["id"]
        body = {"last_name": "Moss", "_missing": ["fax"], "_touch": False}
        control.patch(f"{path}/customers/{one}", json=body)
        control.put(f"{path}/customers/{one}/tags", json={"tags": ["old"]})
        control.post(f"{path}/tags/rename", json={"old": "old", "new": "new"})
        place = {"address": {"lines": []}}
        control.put(f"{path}/customers/{one}/addresses/shipping_address", json=place)
        record = kounta.customer("5678", one)
        assert (record["first_name"], record["last_name"]) == ("Wren", "Moss")
        assert "fax" not in record
        assert record["tags"] == ["new"]
        assert record["shipping_address"]["lines"] == []
        truth = control.get("truth").json()["kounta"]
        assert truth["customers"]["5678"][one]["tags"] == ["new"]
        assert truth["members"]["5678"]["tag"]["new"] == {one: None}
        assert truth["lists"]["5678"]["tag"]["new"] == {"id": "new", "name": "new"}
        assert control.post(f"{path}/customers/touch", json={"count": 5}).json() == {"touched": 5}
        assert control.delete(f"{path}/customers/{one}").status_code == 200
        assert one not in kounta.customer_ids("5678")
        control.post(f"{path}/customers/{one}/restore")
        assert kounta.customer("5678", one) == record
        control.post(f"{path}/hide", json={"ids": [one]})
        assert ("5678", one) not in kounta.truth().customers
        control.post(f"{path}/unhide")
        assert ("5678", one) in kounta.truth().customers
        assert control.post(f"{path}/code").json()["code"]
        switched = control.patch("kounta/switches", json={"vanish": [one], "page_size": 3}).json()
        assert (switched["vanish"], switched["page_size"]) == ([one], 3)
        for method, wrong in (("PATCH", "kounta/switches"), ("DELETE", f"{path}/customers/1"),
                              ("GET", path), ("PUT", f"{path}/customers/{one}/colour")):  # fmt: skip  # noqa: E501
            assert control.request(method, wrong, json={"colour": 1}).status_code == 400
