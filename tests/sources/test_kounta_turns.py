"""Whose full record at Kounta is read again, and when; what fields of a record are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.kounta.fields import CUSTOMERS, addresses
from sources.kounta.reading import Turn, mark
from tests.conftest import history
from tests.sources.kounta import DETAIL, Kounta

AGE = timedelta(days=7)
DAY = timedelta(days=1)
T0 = datetime(2026, 5, 2, 12, 0, 0, 123457, tzinfo=UTC)

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
)


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of ten."""
    return Kounta(tmp_path)


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


def test_full_records_are_read_once_within_their_age(bench):
    """Runs at odd times: a cycle costs one full record for each customer; changes are found."""
    bench.sync(detail_max_age_days=7)
    ids = bench.ids
    for one in ids[::2]:
        bench.set(one, phone="+61 2 5550 9999", mobile=None)
    before, asked = len(bench.ops()), 0
    for hours in (1, 50, 6, 40, 70, 0, 1):
        bench.clock.advance(timedelta(hours=hours))
        assert bench.sync(detail_max_age_days=7) == 0
        asked += bench.count(DETAIL)
        assert hours or bench.count(DETAIL) == 0
    assert asked == len(ids)
    assert len(bench.ops()) - before == len(ids[::2])
    bench.assert_true()
    phones = "select count(*) from core.customers where phone = '+61255509999'"
    assert bench.one(phones) == len(ids[::2])


def test_clock_that_was_ahead_stops_no_turn_for_longer_than_an_age(bench):
    """A run of next year leaves its mark; turns go on from the first run of right time."""
    bench.sync(detail_max_age_days=7)
    bench.clock.advance(365 * DAY)
    bench.sync(detail_max_age_days=7)
    for passed, asked in ((-364 * DAY, 0), (AGE, 40)):
        bench.clock.advance(passed)
        assert bench.sync(detail_max_age_days=7) == 0
        assert bench.count(DETAIL) == asked


def test_hidden_change_is_found_by_its_turn_and_makes_one_version(bench):
    """Case 13: stamps that are always now make no row; one phone makes exactly one, in its turn."""
    bench.sync(detail_max_age_days=0)
    before = history(bench)
    bench.clock.advance(DAY)
    assert bench.sync(detail_max_age_days=0) == 0
    assert bench.count(DETAIL) == 40
    assert (history(bench), len(bench.ops())) == (before, 40)
    one = bench.ids[20]
    bench.set(one, mobile="0400 000 001", phone=None)
    bench.clock.advance(DAY)
    bench.sync(detail_max_age_days=0)
    assert bench.ops()[40:] == [("upsert", one)]
    versions = f"select phone from core.customer_history where customer_id = '{one}'"
    assert len(bench.rows(versions)) == 2
    assert ("+61400000001",) in bench.rows(versions)


def test_complete_scans_come_as_often_as_they_are_asked_for(bench):
    """`full_scan_every_hours` reads every full record at once; unset, only `--full` does."""
    bench.sync()
    for hours, every, asked in ((23, 24, 0), (1, 24, 40), (1, 24, 0), (40, None, 0)):
        bench.clock.advance(timedelta(hours=hours))
        assert bench.sync(full_scan_every_hours=every) == 0
        assert bench.count(DETAIL) == asked
    bench.sync(full=True)
    assert bench.count(DETAIL) == 40


def test_what_the_list_says_is_told_from_what_it_merely_repeats():
    """Empty, null and absent are one; fake stamps are nothing; ids beyond a float are exact."""
    head = {"id": 2**53 + 1, "first_name": "Ada", "image": None, "reference_id": ""}
    assert mark(head) == mark({"first_name": "Ada", "id": 2**53 + 1})
    stamped = {"created_at": "a", "updated_at": "b", "addresses": {"updated_at": "c"}}
    assert mark(head | stamped) == mark(head | {"addresses": {}})
    assert mark(head | {"addresses": {"count": 1}}) != mark(head)
    assert mark(head | {"id": 2**53}) != mark(head)
    assert len(mark(head)) == 16
    assert CUSTOMERS.record_id({"id": 2**63 - 1}) == str(2**63 - 1)


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
        ({"postal_address": {"id": 7, **_OLD, "lines": None, "zone": None}}, {"7": "primary"}),
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
    """Absent keys say nothing, null is none; one id is one address; the current name wins."""
    found = addresses(record)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert {one["id"]: one["kind"] for one in found} == expected
    for one in found:
        assert (one["city"], one["zone"], one["lines"][-1]) == ("Perth", "WA", "1 Test St")
        assert not {"address", "state"} & one.keys()
