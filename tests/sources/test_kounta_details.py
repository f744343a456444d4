"""Kounta's full records: whose turn it is, what they hold, and what is done without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import MISSING
from sources.kounta.fields import CUSTOMERS, addresses
from sources.kounta.reading import Turn, mark
from sources.patience import IN_A_ROW
from tests.conftest import MINUTE, assert_true, history
from tests.sources.kounta import COMPANY, DETAIL, address_of, alone, log_of

AGE = timedelta(days=7)
DAY = timedelta(days=1)
T0 = datetime(2026, 5, 2, 12, 0, 0, 123457, tzinfo=UTC)


@pytest.fixture
def vendors():
    """Kounta alone."""
    return ["kounta"]


@pytest.fixture
def sim(sim, monkeypatch):
    """One company on pages of ten."""
    return alone(sim, monkeypatch)


_ID = st.integers(0, 2**64 - 1).map(str)
_IDS = st.lists(_ID, min_size=1, max_size=20, unique=True)
_GAPS = st.lists(
    st.one_of(
        st.timedeltas(timedelta(0), timedelta(days=2)),
        st.timedeltas(timedelta(days=6), timedelta(days=30)),
        st.sampled_from([timedelta(0), timedelta(microseconds=1), AGE, AGE / 2, AGE - DAY]),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


@given(_IDS, _GAPS)
def test_every_turn_comes_once_in_its_time_whatever_the_rhythm_of_runs(ids, gaps):
    """No run leaves a record older than allowed, and none is read more often than it must be."""
    last = dict.fromkeys(ids, T0)
    reads = dict.fromkeys(ids, 0)
    rotated = now = T0
    for gap in gaps:
        now += gap
        due = Turn(rotated.isoformat(), now.isoformat(), AGE)
        for one in filter(due, ids):
            last[one] = now
            reads[one] += 1
        rotated = now
        assert all(now - read < AGE for read in last.values())
    assert max(reads.values()) <= -(-(now - T0) // AGE)


@given(_IDS, _GAPS, st.data())
def test_turns_survive_a_clock_that_was_wrong(ids, gaps, data):
    """However the clock jumps, within an allowed age of right time every record is read."""
    rotated = T0
    for gap in gaps:
        jump = data.draw(st.sampled_from([gap, -gap]))
        now = rotated + jump
        due = Turn(rotated.isoformat(), now.isoformat(), AGE)
        assert due.back == (jump < timedelta(0))
        assert not (due.back and any(map(due, ids)))
        rotated = now
    read = set()
    for _ in range(7):
        read |= set(filter(Turn(rotated.isoformat(), (rotated + DAY).isoformat(), AGE), ids))
        rotated += DAY
    assert read == set(ids)


@given(_ID, st.timedeltas(-AGE, AGE))
def test_an_age_of_nothing_means_every_run(one, gap):
    """With 0 days every record has its turn in every run, wherever the clock stands."""
    assert Turn(T0.isoformat(), (T0 + gap).isoformat(), timedelta(0))(one)
    assert Turn(None, T0.isoformat(), AGE)(one)


def test_turns_are_spread_over_the_whole_age():
    """Of many customers each day of the cycle brings about as many."""
    ids = [str(number) for number in range(700_101, 707_101)]
    days = [
        sum(map(Turn((T0 + day * DAY).isoformat(), (T0 + (day + 1) * DAY).isoformat(), AGE), ids))
        for day in range(7)
    ]
    assert sum(days) == len(ids)
    assert all(850 < count < 1150 for count in days)


def test_what_the_list_says_is_told_from_what_it_merely_repeats():
    """Empty, null and absent are one; fake stamps are nothing; ids beyond a float are exact."""
    head = {"id": 2**53 + 1, "first_name": "Ada", "image": None, "reference_id": ""}
    assert mark(head) == mark({"first_name": "Ada", "id": 2**53 + 1})
    stamped = {"created_at": "a", "updated_at": "b", "addresses": {"updated_at": "c"}}
    assert mark(head | stamped) == mark(head | {"addresses": {}})
    assert mark(head | {"addresses": {"count": 1}}) != mark(head)
    assert mark(head | {"id": 2**53}) != mark(head)
    assert len(mark(head)) == 16


def test_full_records_are_read_once_within_their_age(sim, sync, tables, clock, monkeypatch):
    """Runs at odd times: a cycle costs one full record for each customer; changes are found."""
    monkeypatch.setenv("SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS", "7")
    sync()
    ids = sim.kounta.customer_ids(COMPANY)
    for one in ids[::2]:
        sim.kounta.update_customer(COMPANY, one, phone="+61 2 5550 9999", mobile=None)
    before, asked = len(log_of(tables)), 0
    for hours in (1, 50, 6, 40, 70, 0, 1):
        clock.advance(timedelta(hours=hours))
        assert sync().exit_code == 0
        asked += sim.count(DETAIL)
        assert hours or sim.count(DETAIL) == 0
    assert asked == len(ids)
    assert len(log_of(tables)) - before == len(ids[::2])
    assert_true(tables, sim)
    phones = "select count(*) from core.customers where phone = '+61255509999'"
    assert tables.one(phones) == len(ids[::2])


def test_hidden_change_is_found_by_its_turn_and_makes_one_version(
    sim, sync, tables, clock, monkeypatch
):
    """Case 13: stamps that are always now make no row; one phone makes exactly one, in its turn."""
    monkeypatch.setenv("SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS", "0")
    sync()
    before = history(tables)
    clock.advance(DAY)
    assert sync().exit_code == 0
    assert sim.count(DETAIL) == 110
    assert (history(tables), len(log_of(tables))) == (before, 110)
    one = sim.kounta.customer_ids(COMPANY)[50]
    sim.kounta.update_customer(COMPANY, one, mobile="0400 000 001", phone=None)
    clock.advance(DAY)
    sync()
    assert log_of(tables)[110:] == [("upsert", one)]
    versions = f"select phone from core.customer_history where customer_id = '{one}'"
    assert len(tables.rows(versions)) == 2
    assert ("+61400000001",) in tables.rows(versions)


def test_complete_scans_come_as_often_as_they_are_asked_for(sim, sync, tables, clock, monkeypatch):
    """`full_scan_every_hours` reads every full record at once; unset, only `--full` does."""
    sync()
    name = "SOURCES__KOUNTA__FULL_SCAN_EVERY_HOURS"
    for hours, every, asked in ((23, 24, 0), (1, 24, 110), (1, 24, 0), (40, None, 0)):
        monkeypatch.setenv(name, str(every)) if every else monkeypatch.delenv(name)
        clock.advance(timedelta(hours=hours))
        assert sync().exit_code == 0
        assert sim.count(DETAIL) == asked
    sync(full=True)
    assert sim.count(DETAIL) == 110


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 403}, 0),
        ({"status": 500}, 75),
        ({"drop": True}, 75),
        ({"body": b"<html>"}, 4),
        ({"body": b'{"error":"no"}'}, 4),
        ({"body": lambda body: body.replace(b'"id":', b'"id":9', 1)}, 4),
        ({"status": 422}, 4),
    ],
    ids=["403", "500", "dropped", "html", "error", "another", "422"],
)
def test_record_that_does_not_come_is_its_customers_own_affair(
    sim, sync, tables, clock, fault, code
):
    """Known ones stand, a new one is as listed, all others are read; it is asked for again."""
    sync()
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    known, gone, other = ids[20], ids[21], ids[22]
    new = kounta.create_customer(COMPANY, first_name="New", tags=["Unseen"], phone="0255500001")
    kounta.update_customer(COMPANY, known, last_name="Unseen")
    kounta.update_customer(COMPANY, other, last_name="Seen", tags=["Seen"])
    kounta.delete_customer(COMPANY, gone)
    for one in (known, new):
        sim.fault(address_of(one), times=None, **fault)
    clock.advance(MINUTE)
    before = tables.rows(f"select * from core.customers where customer_id = '{known}'")
    outcome = sync()
    assert (outcome.exit_code, len(outcome.errors)) == (code, 1 if code else 0)
    assert tables.rows(f"select * from core.customers where customer_id = '{known}'") == before
    assert tables.rows(
        f"select first_name, phone, accepts_marketing from core.customers where customer_id='{new}'"
    ) == [("New", None, None)]
    assert "Unseen" not in {name for _, name, _ in tables.members()}
    assert (COMPANY, "Seen", other) in tables.members()
    assert (COMPANY, gone) not in tables.customers()
    sim.clear()
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert sim.count(DETAIL) == 2
    assert_true(tables, sim)


def test_record_that_fails_in_its_turn_is_asked_for_by_the_next_run(
    sim, sync, tables, clock, monkeypatch
):
    """A turn that was missed is not lost for a whole cycle; one that is refused waits for it."""
    sync()
    ids = sim.kounta.customer_ids(COMPANY)
    for one in ids[4:6]:
        sim.kounta.set_tags(COMPANY, one, ["Late"])
    sim.fault(address_of(ids[4]), times=None, status=500)
    sim.fault(address_of(ids[5]), times=None, status=403)
    clock.advance(DAY)
    outcome = sync(full=True)
    assert outcome.exit_code == 75
    assert "1 full records could not be read" in str(outcome.errors[0])
    sim.clear()
    clock.advance(DAY)
    for asked in (1, 0):
        assert sync().exit_code == 0
        assert sim.count(DETAIL) == asked
    assert (COMPANY, "Late", ids[4]) in tables.members()
    sync(full=True)
    assert_true(tables, sim)


@pytest.mark.parametrize(("status", "code"), [(500, 75), (422, 4), (403, 3)])
def test_records_that_do_not_come_at_all_are_not_asked_for_one_by_one(
    sim, sync, tables, clock, status, code
):
    """So many in a row are the vendor's failure: little is asked, nothing is blanked or lost."""
    sync()
    before = history(tables)
    gone = sim.kounta.customer_ids(COMPANY)[0]
    sim.kounta.delete_customer(COMPANY, gone)
    sim.fault(DETAIL.replace("$", "") + rf"(?<!{gone})$", times=None, status=status)
    for asked in (True, True):
        clock.advance(MINUTE)
        outcome = sync(full=asked)
        assert outcome.exit_code == code
        assert len(outcome.errors) == 1
        assert sim.count(DETAIL) <= 5 * (IN_A_ROW + 4)
    sim.clear()
    after = history(tables)
    assert len(after["customer_history"]) == len(before["customer_history"])
    assert ((COMPANY, gone) in tables.customers()) == (status != 403)
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)


def test_first_load_without_permission_for_records_is_no_success(sim, sync, tables, clock):
    """Customers are there as listed, the run ends 3, and with the permission all is read."""
    sim.fault(DETAIL, times=None, status=403)
    assert sync().exit_code == 3
    assert len(tables.customers()) == 110
    clock.advance(MINUTE)
    assert sync().exit_code == 3
    assert sim.count(DETAIL) <= IN_A_ROW + 4
    sim.clear()
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_held_removals_cost_no_complete_scan(sim, sync, tables, clock):
    """Every run judges absence, so a run that is held again asks for the list alone."""
    sync()
    for one in sim.kounta.customer_ids(COMPANY)[:60]:
        sim.kounta.delete_customer(COMPANY, one)
    for _ in range(2):
        clock.advance(MINUTE)
        assert sync().exit_code == 5
        assert sim.count(DETAIL) == 0
        assert len(tables.customers()) == 110
    assert sync(allow_mass_delete=True).exit_code == 0
    assert sim.count(DETAIL) == 60
    assert_true(tables, sim)


def test_tags_that_are_not_told_remove_nobody_and_empty_ones_do(sim, sync, tables, clock, caplog):
    """Cases 15, 32: absent tells nothing, nor does null; [] ends; a tag lives while one has it."""
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    for one in ids[:3]:
        kounta.set_tags(COMPANY, one, ["Only these", "VIP"])
    sync()
    before = tables.members()
    for tags in (MISSING, None, [None, 5, "", {"a": 1}]):
        for one in ids[:2]:
            kounta.update_customer(COMPANY, one, tags=tags, last_name=f"{tags!r:.9}")
        clock.advance(MINUTE)
        with caplog.at_level("INFO", logger="regulars.kounta"):
            sync()
        if tags is MISSING or tags is None:
            assert tables.members() == before
    assert "customer_tags: records without it; what they had stays as it was" in caplog.text
    kounta.set_tags(COMPANY, ids[2], [])
    sync(full=True)
    assert "Only these" not in {row[0] for row in tables.rows("select list_id from core.lists")}
    kounta.set_tags(COMPANY, ids[1], ["Only these"])
    clock.advance(MINUTE)
    sync(full=True)
    spans = tables.rows(
        "select valid_to is null from core.list_history where list_id = 'Only these' order by "
        "valid_from"
    )
    assert spans == [(False,), (True,)]


_PLACE = {"lines": ["Level 2", "1 Test St"], "city": "Perth", "zone": "WA", "country": "AU"}
_OLD = {"address": "1 Test St", "city": "Perth", "state": "WA", "country": "AU"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, None),
        ({"shipping_address": None}, {}),
        ({"shipping_address": {}, "primary_address": "1 Test St"}, {}),
        ({"shipping_address": {"id": 7, **_PLACE}}, {"7": "shipping"}),
        ({"postal_address": {"id": "7", **_OLD}}, {"7": "primary"}),
        ({"primary_address": _PLACE, "shipping_address": _OLD},
         {"primary": "primary", "shipping": "shipping"}),
        ({"primary_address": {"id": 7, **_PLACE}, "shipping_address": {"id": 7, **_PLACE}},
         {"7": "shipping, primary"}),
        ({"primary_address": {"id": 7, **_PLACE}, "postal_address": {"id": 7, **_OLD}},
         {"7": "primary"}),
        ({"primary_address": _PLACE, "postal_address": {**_OLD, "city": "Older"}},
         {"primary": "primary"}),
        ({"shipping_address": {"id": 7, **_PLACE}, "primary_address": {"id": 7, **_PLACE},
          "postal_address": {"id": 8, **_OLD}}, {"7": "shipping, primary", "8": "primary"}),
    ],
)  # fmt: skip
def test_addresses_of_either_name_and_form(record, expected):
    """Absent keys say nothing, null is none; one id used twice is one address; both forms fit."""
    found = addresses(record)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert {one["id"]: one["kind"] for one in found} == expected
    for one in found:
        assert (one["city"], one["zone"], one["lines"][-1]) == ("Perth", "WA", "1 Test St")
        assert not {"address", "state"} & one.keys()


def test_addresses_come_move_and_go(sim, sync, tables, clock):
    """A shared address, a removed one and a swapped one are told as they are now."""
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    kounta.set_address(COMPANY, ids[0], "shipping_address", {"id": 1, **_PLACE})
    kounta.set_address(COMPANY, ids[0], "primary_address", {"id": 2, **_PLACE})
    kounta.set_address(COMPANY, ids[1], "shipping_address", {"id": 3, **_PLACE})
    sync()
    assert_true(tables, sim)
    kounta.set_address(COMPANY, ids[0], "shipping_address", {"id": 2, **_PLACE})
    kounta.set_address(COMPANY, ids[0], "primary_address", {"id": 1, **_PLACE, "city": "Broome"})
    kounta.set_address(COMPANY, ids[1], "shipping_address", None)
    clock.advance(MINUTE)
    sync(full=True)
    assert_true(tables, sim)


def test_ids_beyond_a_float_are_exact(sim, sync, tables):
    """Whoever passes 64-bit ids through a float merges two customers; nobody does here."""
    sync()
    huge = {key for _, key in tables.customers() if int(key) > 2**53}
    assert huge == {str(2**53 + 1), str(2**53 + 3), str(2**53 + 5)}
    assert CUSTOMERS.record_id({"id": 2**63 - 1}) == str(2**63 - 1)
