"""Kounta changing while it is read, and lists that lead astray."""

from __future__ import annotations

import pytest

from sources.job import Window
from tests.conftest import MINUTE, NOON, history
from tests.sources.kounta import COMPANY, DETAIL, LIST, OWN, Kounta, address_of


@pytest.fixture
def bench(tmp_path):
    """A company of forty customers on pages of ten."""
    return Kounta(tmp_path)


@pytest.mark.parametrize("paging", ["header", "legacy"])
def test_world_that_moves_under_the_pages_loses_and_removes_nobody(bench, paging):
    """Cases 5, 18: page heads shift or not; removals are exact, the next run has all the rest."""
    kounta, ids = bench.kounta, bench.ids
    bench.delete(ids[4])
    bench.turn(paging=paging)
    bench.sync()
    gone = [ids[1], ids[7], ids[12], ids[32]]

    def move():
        bench.delete(*gone)
        bench.set(ids[2], last_name="Read before")
        bench.set(ids[38], last_name="Read after")
        kounta.create_customer(COMPANY)

    bench.sim.before(LIST, 3, move)
    bench.sim.before(LIST, 4, lambda: kounta.restore_customer(COMPANY, ids[4]))
    assert bench.later() == 0
    assert set(bench.removed()) <= set(gone)
    assert bench.later() == 0
    bench.assert_true()
    assert sorted(bench.removed()) == sorted(gone)


def test_change_between_list_and_record_settles_within_a_run(bench):
    """A record newer than its place in the list is read once more, and makes no second version."""
    bench.sync()
    one = bench.ids[5]
    bench.set(one, last_name="Listed")
    bench.sim.before(DETAIL, 1, lambda: bench.set(one, last_name="Recorded"))
    bench.sync()
    bench.assert_true()
    versions = f"select count(*) from core.customer_history where customer_id = '{one}'"
    for asked in (1, 0):
        bench.later()
        assert bench.count(DETAIL) == asked
        assert bench.one(versions) == 2
    bench.assert_true()


@pytest.mark.parametrize("gone_status", [404, 410])
def test_customer_deleted_between_list_and_record_ends_with_the_next_list(bench, gone_status):
    """Listed a moment ago, then gone: nobody is invented for good, nobody stays for good."""
    bench.turn(gone_status=gone_status)
    ids = bench.ids
    bench.sim.before(DETAIL, 1, lambda: bench.delete(ids[5]))
    assert bench.sync() == 0
    bench.set(ids[6], last_name="Known, then gone")
    bench.sim.before(address_of(ids[6]), 1, lambda: bench.delete(ids[6]))
    assert bench.later() == 0
    assert bench.removed() == [ids[5]]
    assert bench.later() == 0
    assert bench.removed() == [ids[5], ids[6]]
    bench.assert_true()


def test_listed_customer_whose_record_is_not_there_is_neither_lost_nor_removed(bench, caplog):
    """`vanish`: the list is the vendor's word for who exists, run after run; it is told."""
    bench.sync()
    ghosts = bench.ids[10:13]
    bench.turn(vanish=set(ghosts))
    with caplog.at_level("INFO", logger="regulars.kounta"):
        for full in (True, False, True):
            assert bench.later(full=full) == 0
            bench.assert_true()
    assert "3 were listed and then gone" in caplog.text
    assert bench.removed() == []
    bench.delete(ghosts[0])
    bench.later()
    assert bench.removed() == [ghosts[0]]


@pytest.mark.parametrize("hidden_status", [403, 404])
def test_hidden_customer_stands_where_hiding_is_said_and_ends_where_it_is_denied(
    bench, hidden_status
):
    """403 on an absent customer's address is no deletion; 404 is, and showing it again restores."""
    bench.sync()
    before = bench.customers()
    bench.turn(hidden_status=hidden_status)
    bench.kounta.hide(COMPANY, bench.ids[:3])
    assert bench.later() == 0
    assert len(before - bench.customers()) == (3 if hidden_status == 404 else 0)
    bench.kounta.unhide(COMPANY)
    assert bench.later() == 0
    bench.assert_true()


@pytest.mark.parametrize(
    "astray",
    [
        {"next_page_fault": "foreign"},
        {"next_page_fault": "loop"},
        {"next_page_fault": "cycle"},
        {"headers": {"x-next-page": None, "x-pages": "4"}},
        {"headers": {"x-next-page": "http://[::1/x"}},
        {"body": b'{"error":"invalid_request"}'},
        {"body": b'[{"id":700101},"700102"]'},
        {"status": 404},
        {"status": 403},
    ],
    ids=str,
)
def test_list_that_leads_astray_publishes_nothing(bench, astray):
    """Cases 19, 26, 27: the tables stay as they were, the token stays at home, a rerun repairs."""
    bench.sync()
    before = bench.snapshot()
    bench.kounta.touch(COMPANY, 20)
    bench.delete(bench.ids[0])
    if "next_page_fault" in astray:
        bench.turn(**astray)
    else:
        bench.sim.fault(LIST, nth=1 if "headers" in astray else 2, times=None, **astray)
    assert bench.later() == (3 if astray.get("status") == 403 else 4)
    assert bench.snapshot() == before
    assert {seen.host for seen in bench.sim.requests} == {"vendors.test"}
    assert bench.count(LIST) <= 5
    bench.sim.clear()
    bench.turn(next_page_fault=None)
    assert bench.later(full=True) == 0
    bench.assert_true()


def test_numbered_pages_without_a_number_are_not_taken_for_the_end(bench):
    """Where the count of pages is missing once, the rest of the list is not taken for absent."""
    bench.turn(paging="legacy")
    bench.sim.fault(LIST, nth=3, headers={"x-pages": None})
    assert bench.sync() == 4
    assert bench.customers() == set()
    assert bench.sync() == 0
    bench.assert_true()


def test_records_of_the_list_without_an_id_are_left_out_and_told(bench):
    """Nobody can be asked for without an id; all others of the page are."""
    bench.sim.fault(LIST, nth=2, body=lambda body: body[:-1] + b',{"id":null},{"last_name":"A"}]')
    assert bench.sync() == 0
    bench.assert_true()
    told = bench.rows(
        "select field, record_id from raw_kounta.rejects where reason like '%usable id%'"
    )
    assert told == [("id", None)] * 2


def test_held_removals_cost_no_complete_scan(tmp_path):
    """Every run judges absence, so a run that is held again asks for the list alone."""
    bench = Kounta(tmp_path, customers=80)
    bench.sync()
    bench.delete(*bench.ids[:60])
    for _ in range(2):
        assert bench.later() == 5
        assert bench.count(DETAIL) == 0
        assert len(bench.customers()) == 80
    assert bench.later(allow_mass_delete=True) == 0
    assert bench.count(DETAIL) == 60
    bench.assert_true()


def test_company_that_is_not_shown_costs_its_own_row_alone(bench, caplog):
    """403 on the company's record: customers are read, it is told, and asked for no more."""
    bench.sim.fault(OWN, times=None, status=403)
    with caplog.at_level("INFO", logger="regulars.kounta"):
        assert bench.sync() == 0
    assert "own record is not shown" in caplog.text
    bench.assert_true()
    assert bench.later() == 0
    assert bench.count(OWN) == 0
    assert bench.ops("companies") == []
    bench.sim.clear()
    assert bench.later(full=True) == 0
    assert bench.ops("companies") == [("upsert", COMPANY)]


def test_company_that_is_hidden_later_takes_back_no_phone(bench):
    """The country that local numbers are read by is kept when its source is shown no more."""
    bench.sync()
    before = history(bench)
    assert bench.one("select count(phone) from core.customers") > 8
    bench.sim.fault(OWN, times=None, status=403)
    bench.clock.advance(60 * MINUTE)
    assert bench.sync(full=True) == 0
    assert history(bench) == before
    assert len(bench.ops()) == 40


def test_backfill_reads_every_record_removes_nobody_and_moves_nothing(bench, caplog):
    """Invariant 6: without a filter by time everything is read; turns and absences stand."""
    bench.sync()
    bench.set(bench.ids[5], phone="+61 2 5550 9999", mobile=None)
    bench.delete(bench.ids[6])

    def home():
        held = bench.state["customers"]["tenants"][COMPANY]
        return {name: value for name, value in held.items() if name != "landed_to"}

    before = home()
    with caplog.at_level("WARNING", logger="regulars.kounta"):
        assert bench.later(window=Window(NOON, None)) == 0
    assert "no filter by time; the backfill reads everything" in caplog.text
    assert bench.count(DETAIL) == 39
    assert bench.ops()[40:] == [("upsert", bench.ids[5])]
    assert home() == before
    assert bench.later() == 0
    bench.assert_true()
