"""Collins's wire as documented, read by a reader that knows only the documentation."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta

import httpx
import pytest

from simulator import MISSING
from simulator.people import DOMAINS
from tests.simulator.collins_reader import NOON, Reader, pretend

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def _held(sim, wanted, tenant="london"):
    """Return the ids of the customers whose truth is as wanted."""
    truth = sim.collins.truth().customers.items()
    return {one for (where, one), record in truth if where == tenant and wanted(record)}


@pytest.mark.parametrize("header", [None, "Bearer made-up", "Basic london-token-of-no-value"])
def test_only_a_token_of_an_account_is_let_in(header):
    """No token, a wrong one and another scheme: the documented 401."""
    sim = pretend()
    with httpx.Client(transport=sim.transport(), base_url=sim.collins.base_url) as client:
        answer = client.get("/customers", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthenticated."})


def test_each_token_sees_its_own_account():
    """85 % of the customers stand in the first account, and neither sees the other's."""
    sim = pretend()
    assert sim.collins.tenants == ["london", "leeds"]
    london, leeds = (Reader(sim, tenant) for tenant in sim.collins.tenants)
    assert (len(london.ids()), len(leeds.ids())) == (51, 9)
    assert set(london.ids()) == set(sim.collins.customer_ids("london"))
    assert leeds.get(f"/customers/{london.ids()[0]}").status_code == 404
    assert leeds.get(f"/venues/{sim.collins.venue_ids('london')[0]}").status_code == 404


def test_pages_and_their_headers():
    """Page, size, number of pages and of results are told; nothing stands beyond the last."""
    reader = Reader(pretend())
    assert [len(page) for page in reader.pages()] == [10, 10, 10, 10, 10, 1]
    answer = reader.get("/customers", page=3, limit=7)
    told = {name: answer.headers[f"x-pagination-{name}"] for name in (
        "page", "per-page", "total-pages", "total-results",
    )}  # fmt: skip
    assert told == {"page": "3", "per-page": "7", "total-pages": "8", "total-results": "51"}
    assert [one["id"] for one in answer.json()["customers"]] == reader.ids()[14:21]
    assert reader.get("/customers", page=9, limit=7).json() == {"customers": []}
    assert Reader(pretend(page_size=30)).get("/customers").headers["x-pagination-per-page"] == "30"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"limit": 31}, "limit"),
        ({"limit": 0}, "limit"),
        ({"page": "two"}, "page"),
        ({"page": 0}, "page"),
        ({"sort": "-shoe_size"}, "sort"),
        ({"last_updated_from": "yesterday"}, "last_updated_from"),
        ({"created_date": "2026-02-30"}, "created_date"),
        ({"created_date_to": "20260202"}, "created_date_to"),
        ({"last_updated_to": "9999-12-31"}, "last_updated_to"),
        ({"dob_month": "13"}, "dob_month"),
        ({"opted_in_date_from": "2026-01-01"}, "opted_in"),
    ],
)
def test_what_no_parameter_takes_is_422(params, field):
    """A wrong value is told by its field, in the framework's form."""
    answer = Reader(pretend()).get("/customers", **params)
    assert answer.status_code == 422
    assert answer.json()["message"] == "The given data was invalid."
    assert list(answer.json()["errors"]) == [field]


def test_customers_are_sent_alike_alone_and_in_lists():
    """The list has what the one has, which is the truth; nothing else is 404 in words."""
    sim = pretend()
    reader = Reader(sim)
    for record in reader.all()[:12]:
        assert reader.get(f"/customers/{record['id']}").json() == {"customer": record}
        assert record == sim.collins.truth().customers["london", record["id"]]
        assert record == sim.collins.customer("london", record["id"])
    gone = reader.get("/customers/5f1e0a7b9c3d2e4f5a6b7c8d")
    assert gone.status_code == 404
    assert gone.json() == {"message": "The requested resource was not found"}
    assert reader.get("/bookings").status_code == 404
    assert reader.http.post("/venues").status_code == 405


@pytest.mark.parametrize("sort", ["created_date", "-created_date", "last_updated", "-last_updated"])
def test_sorts_by_stamps_lead_to_everything_once(sort):
    """Stamps rise or fall; rows without one come last either way."""
    sim = pretend()
    for _ in range(12):
        sim.collins.create_customer("london", last_updated=MISSING)
    records = Reader(sim).all(sort=sort)
    assert sorted(one["id"] for one in records) == sorted(sim.collins.customer_ids("london"))
    stamps = [one.get(sort.lstrip("-")) or "" for one in records]
    known = [one for one in stamps if one]
    assert known == sorted(known, reverse=sort.startswith("-"))
    assert stamps == known + [""] * (len(stamps) - len(known))
    assert "" in stamps


def test_sort_takes_several_fields_and_is_created_date_by_default():
    """A comma-separated list, each field rising or falling."""
    sim = pretend()
    reader = Reader(sim)
    assert reader.ids() == reader.ids(sort="created_date")
    for name in ("Bee", "Ann"):
        for company in ("A", "C", "B"):
            sim.collins.create_customer("london", first_name=name, company=company, notes="z")
    found = reader.all(sort="first_name,-company", created_date="2026-05-02")
    assert "".join(one["first_name"][0] + one["company"] for one in found) == "ACABAABCBBBA"


def test_found_by_looking_is_ordered_as_the_kept_orders_are():
    """A filter that leaves everything changes no order, with equals and gaps."""
    sim = pretend()
    for _ in range(15):
        sim.collins.create_customer("london", created_date=None)
    sim.collins.touch("london", 30)
    reader, every = Reader(sim), {"created_date_to": "2030-01-01"}
    dated = _held(sim, lambda one: one["created_date"])
    for sort in ("last_updated", "-last_updated", "created_date", "-created_date"):
        for ties in ("stable", "shuffled"):
            sim.collins.switches.ties = ties
            kept = [one for one in reader.ids(sort=sort) if one in dated]
            assert kept == reader.ids(sort=sort, **every)


@pytest.mark.parametrize("stamp", ["last_updated", "created_date"])
@pytest.mark.parametrize("sort", ["last_updated", "-last_updated", "created_date"])
def test_days_include_both_their_ends(stamp, sort):
    """`_from` and `_to` include their days, the bare name is one day; no stamp never matches."""
    sim = pretend()
    made = {
        moment: sim.collins.create_customer("london", **{stamp: moment})
        for moment in (
            "2030-02-01 23:59:59", "2030-02-02 00:00:00", "2030-02-02 23:59:59",
            "2030-02-03 00:00:00",
        )
    }  # fmt: skip
    bare = {sim.collins.create_customer("london", **{stamp: one}) for one in (None, "", MISSING)}
    before, first, last, after = made.values()
    reader = Reader(sim)

    def found(**days):
        return set(reader.ids(sort=sort, **{stamp + name: day for name, day in days.items()}))

    day = "2030-02-02"
    assert found(**{"": day}) == {first, last} == found(_from=day, _to=day)
    assert found(_from=day) == {first, last, after}
    assert found(_from="2030-02-01", _to=day) == {before, first, last}
    assert found(_to="2030-02-01") == set(reader.ids()) - {first, last, after} - bare - _held(
        sim, lambda one: not one.get(stamp)
    )
    assert found(_from="2030-02-05", _to="2030-02-01") == set()


def test_lists_in_filters_mean_any_of():
    """Venues, labels, consents, e-mails and months of birth, by commas; exact to the letter."""
    sim = pretend(customers=400)
    reader, venues = Reader(sim), sim.collins.venue_ids("london")
    email, sms, _ = sim.collins.preference_ids("london")

    def consents(one):
        held = one.get("marketing_preferences", ())
        return {(said["id"], said["opted_in"]) for said in held}

    cases = [
        ({"associated_venues": ",".join(venues[:2])},
         lambda one: set(venues[:2]) & set(one.get("associated_venues", ()))),
        ({"labels": "vip"}, lambda one: "vip" in one.get("labels", ())),
        ({"labels": "VIP,Wine club 🍷"},
         lambda one: {"VIP", "Wine club 🍷"} & set(one.get("labels", ()))),
        ({"opted_in": f"{email},{sms}"}, lambda one: consents(one) & {(email, True), (sms, True)}),
        ({"opted_out": sms}, lambda one: (sms, False) in consents(one)),
        ({"dob_month": "1,12"}, lambda one: one.get("dob", "")[5:7] in ("01", "12")),
    ]  # fmt: skip
    for params, wanted in cases:
        assert set(reader.ids(**params)) == _held(sim, wanted) != set(), params
    addresses = [one["email"] for one in reader.all() if one.get("email")][:2]
    assert len(reader.ids(email=",".join(addresses))) == 2


def test_texts_and_days_of_bookings_and_consents():
    """Full name, the query in its order of relevance, a day that a booking or a consent was on."""
    sim = pretend(customers=0)
    reader, collins = Reader(sim), sim.collins
    email = collins.preference_ids("london")[0]
    ann = collins.create_customer("london", first_name="Ann", last_name="Moss", notes="Pike")
    pike = collins.create_customer("london", company="Old Pike Ltd")
    other = collins.create_customer("london", email="pike@example.com")
    assert reader.ids(full_name="ann moss") == [ann]
    assert reader.ids(query="PIKE") == [other, pike]
    assert reader.ids(query="PIKE", sort="-id") == sorted([pike, other], reverse=True)
    collins.add_booking("london", ann, date="2026-06-01 19:00:00")
    collins.add_booking("london", ann, date="2026-07-01 19:00:00")
    assert reader.ids(booking_date="2026-06-01") == [ann]
    assert reader.ids(booking_date_from="2026-06-02", booking_date_to="2026-06-30") == []
    collins.set_preference("london", ann, email, opted_in=True)
    collins.set_preference("london", other, email, opted_in=False)
    assert reader.ids(opted_in=email, opted_in_date="2026-05-02") == [ann]
    assert reader.ids(opted_in=email, opted_in_date_to="2026-05-01") == []
    assert reader.ids(opted_out=email, opted_out_date_from="2026-05-02") == [other]


def test_venues_and_their_groups_preferences():
    """Venues are paged and filtered; preferences are bare arrays, the retired in the group's."""
    sim = pretend()
    reader = Reader(sim)
    venues = reader.all("/venues", limit=3)
    assert [one["id"] for one in venues] == sim.collins.venue_ids("london")
    assert [one["status"] for one in venues] == ["public", "public", "private", "inactive"]
    group = venues[0]["venue_group"]
    assert len(reader.all("/venues", status="public,inactive", venue_group=group)) == 3
    assert reader.all("/venues", title="moss") == [venues[1]]
    assert reader.all("/venues", venue_group="another") == []
    assert reader.get(f"/venues/{venues[0]['id']}").json() == {"venue": venues[0]}
    of_group = reader.get(f"/venue-groups/{group}/marketing-preferences").json()
    of_venue = reader.get(f"/venues/{venues[0]['id']}/marketing-preferences").json()
    assert [one["name"] for one in of_group] == ["Email", "SMS", "Post"]
    assert of_venue == of_group[:2]
    assert STAMP.fullmatch(of_group[0]["created_date"])
    assert reader.get("/venue-groups/another/marketing-preferences").status_code == 404
    assert reader.get("/venues/another/marketing-preferences").status_code == 404


def test_writes_make_change_and_delete():
    """POST sets only what is given, PUT replaces it, both in the shapes that writing has."""
    sim = pretend(customers=0)
    reader, venue = Reader(sim), sim.collins.venue_ids("london")[0]
    email, sms, _ = sim.collins.preference_ids("london")
    made = reader.http.post("/customers", json={
        "email": "w@example.com", "dob": "1990-01-02", "custom_field_value": 17,
        "marketing_preference_ids": [email], "id": "mine",
    })  # fmt: skip
    record = made.json()["customer"]
    said = {"id": email, "opt_in_date": "2026-05-02 12:00:00", "opt_out_date": None}
    assert made.status_code == 201
    assert record == {
        "id": record["id"], "email": "w@example.com", "dob": "1990-01-02",
        "custom_field_value": "17", "associated_venues": [], "bookings": [], "labels": [],
        "marketing_preferences": [said | {"opted_in": True}],
        "created_date": "2026-05-02 12:00:00", "last_updated": "2026-05-02 12:00:00",
    }  # fmt: skip
    sim.clock.advance(timedelta(seconds=5))
    change = {
        "labels": ["vip"], "associated_venues": [venue], "notes": None,
        "marketing_preferences": {email: False, sms: True},
    }  # fmt: skip
    changed = reader.http.put(f"/customers/{record['id']}", json=change).json()["customer"]
    assert changed["labels"] == ["vip"]
    assert changed["email"] == "w@example.com"
    assert changed["created_date"] == "2026-05-02 12:00:00"
    assert changed["last_updated"] == "2026-05-02 12:00:05"
    assert changed["marketing_preferences"][0] == said | {
        "opted_in": False,
        "opt_out_date": "2026-05-02 12:00:05",
    }
    assert reader.all() == [changed]
    deleted = reader.http.delete(f"/customers/{record['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert reader.http.delete(f"/customers/{record['id']}").status_code == 404
    assert reader.http.put(f"/customers/{record['id']}", json={}).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"phone": "+4477009001234567890123"}, "phone"),
        ({"first_name": 7}, "first_name"),
        ({"dob": "02/01/1990"}, "dob"),
        ({"labels": "vip"}, "labels"),
        ({"associated_venues": ["another"]}, "associated_venues.0"),
        ({"marketing_preference_ids": ["another"]}, "marketing_preference_ids.0"),
        ({"marketing_preferences": [{"id": 1}]}, "marketing_preferences"),
        ({"notes": "x" * 1001}, "notes"),
    ],
)
def test_unfit_writes_are_refused_and_change_nothing(body, field):
    """A wrong value is 422, on both ways to write."""
    sim = pretend()
    reader, before = Reader(sim), sim.collins.truth()
    for method, path in (("POST", ""), ("PUT", f"/{sim.collins.customer_ids('london')[0]}")):
        answer = reader.http.request(method, f"/customers{path}", json={"company": "B", **body})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert sim.collins.truth() == before


def test_same_seed_same_world():
    """Seed and clock decide everything."""
    assert pretend().collins.truth() == pretend().collins.truth()
    assert pretend().collins.truth() != pretend(seed=8).collins.truth()


def test_gaps_and_lists_are_as_real_ones():
    """Shares of what is missing, empty and null; bookings to four; only reserved addresses."""
    sim = pretend(customers=4000)
    records = list(sim.collins.truth().customers.values())
    emails = [one["email"].strip().lower() for one in records if one.get("email")]
    assert all(email.rpartition("@")[2].endswith(DOMAINS) for email in emails)

    def share(wanted):
        return sum(map(bool, map(wanted, records))) / len(records)

    assert share(lambda one: one["created_date"] is None) == pytest.approx(0.15, abs=0.03)
    assert 0.001 < share(lambda one: "last_updated" not in one) < 0.01
    for name in ("email", "first_name", "dob", "company", "notes", "custom_field_value", "phone"):
        assert share(lambda one, name=name: name not in one) > 0.01
        assert share(lambda one, name=name: one.get(name) == "") > 0.01
    for name in ("labels", "bookings", "associated_venues", "marketing_preferences"):
        assert share(lambda one, name=name: name not in one) > 0.01
        assert share(lambda one, name=name: one.get(name) == []) > 0.05
    assert {len(one.get("bookings", ())) for one in records} == {0, 1, 2, 3, 4}
    labels = Counter(label for one in records for label in one.get("labels", ()))
    assert {"VIP", "vip", "Wine club 🍷"} < labels.keys()
    stamps = [one["last_updated"] for one in records if "last_updated" in one]
    assert all(map(STAMP.fullmatch, stamps))
    assert max(stamps) < f"{NOON:%Y-%m-%d %H:%M:%S}"
    said = [one for record in records for one in record.get("marketing_preferences", ())]
    assert all(one["opt_in_date"] for one in said if one["opted_in"])
    assert all(one["opt_out_date"] for one in said if not one["opted_in"])
    assert {"opt_out_date" in one for one in said if one["opted_in"]} == {True, False}
    assert all(datetime.fromisoformat(one["created_date"]).year > 2020 for one in records
               if one["created_date"])  # fmt: skip


def test_truth_has_lists_of_three_kinds_and_who_is_on_them():
    """Labels that someone has, every preference, every venue; consents say since when."""
    sim = pretend()
    collins = sim.collins
    email, _, post = collins.preference_ids("london")
    venue = collins.add_venue("london", "New Place")
    one, two = collins.customer_ids("london")[:2]
    collins.set_labels("london", one, ["Only mine", "VIP"])
    collins.set_venues("london", two, [venue])
    collins.set_preference("london", one, email, opted_in=True)
    collins.set_preference("london", two, email, opted_in=False)
    truth = collins.truth()
    assert truth.tenants == {"london": {"id": "london"}, "leeds": {"id": "leeds"}}
    assert truth.lists["london", "label", "VIP"] == {"id": "VIP", "name": "VIP"}
    assert truth.members["london", "label", "Only mine"] == {one: None}
    assert truth.members["london", "venue", venue] == {two: None}
    consents = truth.members["london", "marketing_preference", email]
    assert consents[one] == "2026-05-02 12:00:00"
    assert two not in consents
    assert truth.lists["london", "marketing_preference", post]["name"] == "Post"
    assert truth.lists["london", "venue", venue]["title"] == "New Place"
    collins.hide("london", [one, two])
    hidden = collins.truth()
    assert ("london", "label", "Only mine") not in hidden.lists
    assert hidden.members["london", "venue", venue] == {}
    told = collins.truth_json()
    assert sum(map(len, told["customers"].values())) == len(hidden.customers) == 58
    assert told["members"]["london"]["marketing_preference"][email] == {
        key: since for key, since in consents.items() if key not in (one, two)
    }
