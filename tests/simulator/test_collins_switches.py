"""What Collins might do otherwise: every switch, its staff, and the drift of page numbers."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from simulator import MISSING, CollinsSwitches
from tests.simulator.collins_reader import NOON, Reader, pretend


def _numbers(answer):
    """Return what the headers tell of pages and results."""
    return tuple(
        answer.headers.get(f"x-pagination-{name}") for name in ("page", "total-pages",
                                                                "total-results")
    )  # fmt: skip


def _stamped(sim, customer_id):
    return sim.collins.customer("london", customer_id)["last_updated"]


@pytest.mark.parametrize(
    ("beyond", "status", "page"), [("empty", 200, "9"), ("error", 422, None), ("last", 200, "6")]
)
def test_beyond_the_last_page(beyond, status, page):
    """Nothing, a refusal, or the last page once more."""
    reader = Reader(pretend(beyond_last=beyond))
    answer = reader.get("/customers", page=9)
    assert (answer.status_code, _numbers(answer)[0]) == (status, page)
    if status == 200:
        last = reader.get("/customers", page=6).json()
        assert answer.json() == (last if beyond == "last" else {"customers": []})
    empty = Reader(pretend(customers=0, beyond_last=beyond)).get("/customers")
    assert (empty.status_code, _numbers(empty)) == (200, ("1", "1", "0"))


@pytest.mark.parametrize(("form", "status"), [("error", 422), ("empty", 200)])
def test_results_beyond_the_window_cannot_be_paged_to(form, status):
    """The page that passes the window is refused or empty, though the totals tell of more."""
    reader = Reader(pretend(hit_window=20, hit_window_form=form))
    assert len(reader.get("/customers", page=2).json()["customers"]) == 10
    beyond = reader.get("/customers", page=3)
    assert beyond.status_code == status
    if form == "empty":
        assert beyond.json() == {"customers": []}
        assert _numbers(beyond) == ("3", "6", "51")
    assert reader.get("/customers", page=4, limit=6).status_code == status


def test_totals_are_missing_or_capped():
    """Without the headers nothing is told; capped they tell of fewer than there are."""
    sim = pretend(totals="missing")
    reader = Reader(sim)
    assert _numbers(reader.get("/customers")) == (None, None, None)
    sim.collins.switches = CollinsSwitches(page_size=10, total_cap=25)
    assert _numbers(reader.get("/customers")) == ("1", "3", "25")
    assert len(reader.get("/customers", page=5).json()["customers"]) == 10


@pytest.mark.parametrize("null_last", [True, False])
@pytest.mark.parametrize("sort", ["last_updated", "-last_updated", "company", "-company"])
def test_rows_without_the_sort_field_stand_where_the_switch_says(null_last, sort):
    """Last or first, whatever the direction, however the order is made."""
    sim = pretend(null_last=null_last)
    name = sort.lstrip("-")
    bare = {sim.collins.create_customer("london", **{name: value}) for value in (None, "", MISSING)}
    found = Reader(sim).all(sort=sort)
    known = [bool(one.get(name)) for one in found]
    assert known == sorted(known, reverse=null_last)
    assert bare <= {one["id"] for one in found if not one.get(name)}


@pytest.mark.parametrize("sort", ["-last_updated", "first_name"])
def test_shuffled_ties_are_another_total_order(sort):
    """Equals come in another order when shuffled, the same each time, everyone once."""
    sim = pretend(customers=0)
    made = {sim.collins.create_customer("london") for _ in range(25)}
    reader = Reader(sim)
    stable = reader.ids(sort=sort)
    sim.collins.switches.ties = "shuffled"
    shuffled = reader.ids(sort=sort)
    assert stable != shuffled == reader.ids(sort=sort)
    assert set(shuffled) == set(stable) == made


def test_sort_and_filter_may_be_ignored():
    """Silently: the default order, and every customer whatever was asked of last_updated."""
    sim = pretend(sort_ignored=True)
    reader = Reader(sim)
    assert reader.ids(sort="-last_updated") == reader.ids(sort="created_date")
    assert reader.ids(last_updated_from="2030-01-01") == []
    sim.collins.switches = CollinsSwitches(page_size=10, filter_ignored=True)
    assert len(reader.ids(last_updated_from="2030-01-01", sort="-last_updated")) == 51
    assert reader.ids(created_date_from="2030-01-01") == []


def test_stamps_may_be_londons():
    """In summer an hour later, the second 01:30 of autumn like the first; truth as it is sent."""
    sim = pretend(customers=40, zone="Europe/London")
    email = sim.collins.preference_ids("london")[0]
    one = sim.collins.create_customer("london", created_date="2024-10-27 01:30:00")
    sim.collins.set_preference("london", one, email, opted_in=True)
    sim.collins.add_booking("london", one, date="2026-01-05 19:00:00")
    reader = Reader(sim)
    record = reader.get(f"/customers/{one}").json()["customer"]
    assert record["created_date"] == "2024-10-27 01:30:00"
    assert record["last_updated"] == "2026-05-02 13:00:00"
    assert record["marketing_preferences"][0]["opt_in_date"] == "2026-05-02 13:00:00"
    assert record["bookings"][0]["date"] == "2026-01-05 19:00:00"
    assert record in reader.all()
    truth = sim.collins.truth()
    assert truth.customers["london", one] == record
    assert truth.members["london", "marketing_preference", email][one] == "2026-05-02 13:00:00"
    assert sim.collins.customer("london", one)["last_updated"] == "2026-05-02 12:00:00"
    assert truth.lists["london", "venue", sim.collins.venue_ids("london")[0]] in reader.all(
        "/venues"
    )


@pytest.mark.parametrize(("zone", "day"), [("UTC", "2026-05-01"), ("Europe/London", "2026-05-02")])
@pytest.mark.parametrize("sort", ["-last_updated", "email"])
def test_days_of_filters_have_a_zone_of_their_own(zone, day, sort):
    """Half past eleven of a summer's night is tomorrow in London."""
    sim = pretend(customers=0, filter_zone=zone)
    one = sim.collins.create_customer("london", last_updated="2026-05-01 23:30:00")
    reader = Reader(sim)
    assert [day for day in ("2026-05-01", "2026-05-02") if reader.ids(last_updated=day)] == [day]
    assert reader.ids(last_updated=day, sort=sort) == [one]


def test_unknown_fields_are_missing_null_or_empty():
    """What a customer does not have is left out, null, or an empty text and an empty list."""
    sim = pretend(customers=0)
    one = sim.collins.create_customer("london", labels=MISSING, last_name=None)
    reader = Reader(sim)

    def look(absent):
        sim.collins.switches.absent = absent
        record = reader.all()[0]
        assert record == sim.collins.truth().customers["london", one]
        nothing = object()
        return [record.get(name, nothing) for name in ("email", "labels", "last_name")]

    missing = look("missing")
    assert missing[0] is missing[1]
    assert missing[2] is None
    assert look("null") == [None, None, None]
    assert look("empty") == ["", [], None]


def test_records_may_look_otherwise():
    """No preferences, a time with the date of birth, a field nobody documented."""
    sim = pretend(preferences_field="absent", dob_time=True, extra_field=True)
    one = sim.collins.create_customer("london", dob="1990-11-05")
    record = Reader(sim).get(f"/customers/{one}").json()["customer"]
    assert record["dob"] == "1990-11-05T00:00:00"
    assert record["nickname"] == "Ilo"
    assert not any("marketing_preferences" in one for one in Reader(sim).all())
    assert sim.collins.truth().customers["london", one] == record


@pytest.mark.parametrize("moves", [True, False])
def test_bookings_and_consents_move_the_stamp_as_told(moves):
    """Each only where its switch says so, or never where the hand that does it says not to."""
    sim = pretend(booking_touches=moves, consent_touches=moves)
    email, old = sim.collins.preference_ids("london")[0], "2026-01-01 00:00:00"
    booked, opted, quiet = (
        sim.collins.create_customer("london", last_updated=old) for _ in range(3)
    )
    sim.collins.add_booking("london", booked, num_people=MISSING)
    sim.collins.set_preference("london", opted, email, opted_in=True)
    sim.collins.set_preference("london", quiet, email, opted_in=True, _touch=False)
    sim.collins.set_labels("london", quiet, ["VIP"], _touch=False)
    now = "2026-05-02 12:00:00" if moves else old
    assert [_stamped(sim, one) for one in (booked, opted, quiet)] == [now, now, old]
    assert "num_people" not in sim.collins.customer("london", booked)["bookings"][0]
    sim.collins.add_booking("london", booked, _touch=True)
    assert _stamped(sim, booked) == "2026-05-02 12:00:00"


def test_consents_remember_when():
    """In, out and in again: the last opt-in stays known when one leaves."""
    sim = pretend(customers=0)
    email = sim.collins.preference_ids("london")[0]
    one = sim.collins.create_customer("london", marketing_preferences=MISSING)
    said = []
    for opted_in in (True, False, True):
        sim.collins.set_preference("london", one, email, opted_in)
        held = sim.collins.customer("london", one)["marketing_preferences"]
        said += [(one["opt_in_date"], one["opt_out_date"], one["opted_in"]) for one in held]
        sim.clock.advance(timedelta(hours=1))
    noon, later, last = (f"2026-05-02 {hour}:00:00" for hour in (12, 13, 14))
    assert said == [(noon, None, True), (noon, later, False), (last, None, True)]


def test_deleted_hidden_and_restored():
    """Gone is 404, hidden 403 unless switched, neither is listed; each comes back as it was."""
    sim = pretend()
    reader, before = Reader(sim), Reader(sim).all()
    gone, hidden = before[3]["id"], before[5]["id"]
    sim.collins.delete_customer("london", gone)
    sim.collins.hide("london", [hidden])
    assert [one["id"] for one in before if one["id"] not in (gone, hidden)] == reader.ids()
    assert {("london", gone), ("london", hidden)} & sim.collins.truth().customers.keys() == set()
    codes = [reader.get(f"/customers/{one}").status_code for one in (gone, hidden)]
    assert codes == [404, 403]
    assert reader.http.delete(f"/customers/{hidden}").status_code == 403
    sim.collins.switches.gone_status, sim.collins.switches.hidden_status = 410, 404
    codes = [reader.get(f"/customers/{one}").status_code for one in (gone, hidden)]
    assert codes == [410, 404]
    sim.collins.restore_customer("london", gone)
    sim.collins.unhide("london")
    assert reader.all() == before


def test_labels_venues_and_preferences_are_renamed_and_retired():
    """A rename moves no stamp unless told; a retired preference stays in the group's list."""
    sim = pretend(customers=400)
    collins, reader = sim.collins, Reader(sim)
    group = reader.all("/venues")[0]["venue_group"]
    before, many = collins.truth(), set(reader.ids(labels="VIP,vip"))
    collins.rename_label("london", "VIP", "vip")
    truth = collins.truth()
    assert truth.members["london", "label", "vip"].keys() == many
    assert ("london", "label", "VIP") not in truth.lists
    assert ("leeds", "label", "VIP") in truth.lists
    assert all(
        record.get("last_updated") == truth.customers[key].get("last_updated")
        for key, record in before.customers.items()
    )
    collins.rename_label("london", "vip", "Very", _touch=True)
    assert {_stamped(sim, one) for one in many} == {"2026-05-02 12:00:00"}
    email, venue = collins.preference_ids("london")[0], collins.venue_ids("london")[0]
    collins.retire_preference("london", email)
    collins.rename_venue("london", venue, "Renamed")
    of_venue = reader.get(f"/venues/{venue}/marketing-preferences").json()
    of_group = reader.get(f"/venue-groups/{group}/marketing-preferences").json()
    assert email in {one["id"] for one in of_group} - {one["id"] for one in of_venue}
    assert reader.get(f"/venues/{venue}").json()["venue"]["title"] == "Renamed"
    added = collins.add_venue("london", None, status="private")
    assert reader.get(f"/venues/{added}/marketing-preferences").json() == of_venue
    assert reader.all("/venues", status="private")[-1]["title"] is None


def test_ascending_page_numbers_lose_the_head_of_the_next_page():
    """A read record is updated, moves to the end, everything shifts left."""
    sim = pretend()
    reader = Reader(sim)
    before = reader.ids(sort="last_updated")
    sim.before("page=2", 1, lambda: sim.collins.update_customer("london", before[0]))
    found = reader.ids(sort="last_updated")
    assert before[10] not in found
    assert found.count(before[0]) == 2


def test_descending_page_numbers_only_repeat():
    """An unread record that is updated jumps ahead and is missed; the rest come, one twice."""
    sim = pretend()
    reader = Reader(sim)
    before = reader.ids(sort="-last_updated")
    sim.before("page=2", 1, lambda: sim.collins.update_customer("london", before[25]))
    found = reader.ids(sort="-last_updated")
    assert set(before) - set(found) == {before[25]}
    assert found.count(before[9]) == 2


def test_touched_customers_are_spread_and_rotate():
    """Each call changes others; many at once are found as well as few."""
    sim = pretend(customers=1500)
    sim.render()
    first, second = sim.collins.touch("london", 10), sim.collins.touch("london", 10)
    assert not set(first) & set(second)
    reader, today = Reader(sim), "2026-05-02"
    assert {*first, *second} <= set(reader.ids(last_updated=today, sort="-last_updated"))
    many = sim.collins.touch("london", 500)
    assert set(many) <= set(reader.ids(last_updated=today, sort="-last_updated"))
    assert len(set(reader.ids())) == 1275


def test_limit_of_an_hour_is_each_tokens_own():
    """What is left is told on every answer; beyond it 429 until the reset, for that token only."""
    sim = pretend(rate_limit=3)
    reader = Reader(sim)
    told = [reader.get("/venues").headers["x-ratelimit-remaining"] for _ in range(2)]
    answer = reader.get("/customers/none")
    assert (told, answer.status_code) == (["2", "1"], 404)
    assert answer.headers["x-ratelimit-limit"] == "3"
    assert answer.headers["x-ratelimit-reset"] == "2026-05-02T13:00:01+00:00"
    refused = reader.get("/venues")
    assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert Reader(sim, "leeds").get("/venues").status_code == 200
    free = datetime.fromisoformat(refused.headers["x-ratelimit-reset"])
    sim.clock.advance(free - NOON)
    assert reader.get("/venues").status_code == 200


@pytest.mark.parametrize(
    ("form", "header", "read", "told"),
    [
        ("reset_epoch", "x-ratelimit-reset", int, int(NOON.timestamp()) + 3601),
        ("retry_after", "retry-after", int, 3601),
        ("retry_after_date", "retry-after", parsedate_to_datetime, NOON + timedelta(seconds=3601)),
        ("retry_after_zero", "retry-after", int, 0),
        ("none", "date", parsedate_to_datetime, NOON),
    ],
)
def test_forms_of_the_refusal(form, header, read, told):
    """An epoch, seconds, a date, a useless zero, or nothing at all."""
    reader = Reader(pretend(rate_limit=1, rate_limit_header=form))
    first, refused = reader.get("/venues"), reader.get("/venues")
    assert refused.status_code == 429
    assert read(refused.headers[header]) == told
    assert ("x-ratelimit-remaining" in first.headers) == (form != "none")
    limits = [name for name in refused.headers if name.startswith(("x-rate", "retry"))]
    assert bool(limits) == (form != "none")


def test_vendors_time_may_be_untold():
    """Answers carry the vendor's time unless switched off."""
    sim = pretend()
    assert parsedate_to_datetime(Reader(sim).get("/venues").headers["date"]) == NOON
    sim.collins.switches.date_header = False
    assert "date" not in Reader(sim).get("/venues").headers


def test_control_does_what_the_staff_can():
    """Everything a benchmark in another process needs; what cannot be done is 400."""
    sim = pretend()
    at = "tenants/london"
    with httpx.Client(transport=sim.transport(), base_url="http://x/_control/") as client:
        told = client.get("describe").json()["collins"]
        assert told["base_url"] == sim.collins.base_url
        london = told["tenants"]["london"]
        assert (london["token"], london["customers"]) == (sim.collins.token("london"), 51)
        assert london["sample"] == sim.collins.customer_ids("london")[:20]

        def act(method, path, status=200, **body):
            answer = client.request(method, f"collins/{path}", json=body)
            assert answer.status_code == status, answer.text
            return answer.json()

        venue = act("POST", f"{at}/venues", title="New Place")["id"]
        one = act("POST", f"{at}/customers", first_name="Wren", email="w@example.com")["id"]
        path = f"{at}/customers/{one}"
        email = london["marketing_preferences"][0]
        act("PATCH", path, last_name="Moss", _missing=["email"])
        act("PUT", f"{path}/labels", labels=["vip"], _touch=False)
        act("PUT", f"{path}/venues", venue_ids=[venue])
        act("PUT", f"{path}/preferences/{email}", opted_in=True)
        act("POST", f"{path}/bookings", num_people=5)
        act("PATCH", f"{at}/labels", old="vip", new="Very")
        act("PATCH", f"{at}/venues/{venue}", title="Newer Place")
        act("DELETE", f"{at}/preferences/{email}")
        assert act("POST", f"{at}/customers/touch", count=5) == {"touched": 5}
        record = sim.collins.customer("london", one)
        assert (record["last_name"], record["labels"], record["associated_venues"]) == (
            "Moss", ["Very"], [venue],
        )  # fmt: skip
        assert "email" not in record
        assert record["bookings"][0]["num_people"] == 5
        act("DELETE", path)
        assert one not in sim.collins.customer_ids("london")
        act("POST", f"{path}/restore")
        assert sim.collins.customer("london", one) == record
        assert act("PATCH", "switches", page_size=7)["page_size"] == 7
        act("PATCH", "switches", 400, colour="red")
        for method, wrong in (
            ("DELETE", f"{at}/customers/none"), ("POST", "tenants/york/customers"),
            ("PUT", f"{path}/shoes"), ("DELETE", f"{at}/preferences/none"), ("GET", "x"),
        ):  # fmt: skip
            act(method, wrong, 400)


def test_every_switch_is_turned_somewhere():
    """No switch without a test that names it."""
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_collins_*.py"))
    assert [field.name for field in fields(CollinsSwitches) if field.name not in text] == []
