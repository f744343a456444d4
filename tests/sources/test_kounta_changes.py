"""Kounta changing while it is read, lists that lead astray, scans that go on where they were."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import MINUTE, assert_true
from tests.sources.kounta import COMPANY, DETAIL, LIST, address_of, alone, log_of, turn


@pytest.fixture
def vendors():
    """Kounta alone."""
    return ["kounta"]


@pytest.fixture
def sim(sim, monkeypatch):
    """One company on pages of ten."""
    return alone(sim, monkeypatch)


def _removed(tables):
    return [key for op, key in log_of(tables) if op == "delete"]


@pytest.mark.parametrize("paging", ["header", "legacy"])
def test_world_that_moves_under_the_pages_loses_and_removes_nobody(
    sim, sync, tables, clock, paging
):
    """Cases 5, 18: page heads shift or not; removals are exact, the next run has all the rest."""
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    kounta.delete_customer(COMPANY, ids[4])
    turn(sim, paging=paging)
    sync()
    gone = [ids[1], ids[7], ids[29], ids[60]]

    def move():
        for customer_id in gone:
            kounta.delete_customer(COMPANY, customer_id)
        kounta.update_customer(COMPANY, ids[2], last_name="Read before")
        kounta.update_customer(COMPANY, ids[99], last_name="Read after")
        kounta.create_customer(COMPANY)

    sim.before(LIST, 5, move)
    sim.before(LIST, 8, lambda: kounta.restore_customer(COMPANY, ids[4]))
    assert sync().exit_code == 0
    assert set(_removed(tables)) <= set(gone)
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    assert sorted(_removed(tables)) == sorted(gone)


def test_change_between_list_and_record_settles_within_a_run(sim, sync, tables, clock):
    """A record newer than its place in the list is read once more, and makes no second version."""
    sync()
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    kounta.update_customer(COMPANY, ids[5], last_name="Listed")
    sim.before(DETAIL, 1, lambda: kounta.update_customer(COMPANY, ids[5], last_name="Recorded"))
    sync()
    assert_true(tables, sim)
    versions = f"select count(*) from core.customer_history where customer_id = '{ids[5]}'"
    for asked in (1, 0):
        clock.advance(MINUTE)
        sync()
        assert sim.count(DETAIL) == asked
        assert tables.one(versions) == 2
    assert_true(tables, sim)


@pytest.mark.parametrize("gone_status", [404, 410])
def test_customer_deleted_between_list_and_record_ends_with_the_next_list(
    sim, sync, tables, clock, gone_status
):
    """Listed a moment ago, then gone: nobody is invented for good, nobody stays for good."""
    turn(sim, gone_status=gone_status)
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    sim.before(DETAIL, 1, lambda: kounta.delete_customer(COMPANY, ids[5]))
    assert sync().exit_code == 0
    clock.advance(MINUTE)
    kounta.update_customer(COMPANY, ids[6], last_name="Known, then gone")
    sim.before(address_of(ids[6]), 1, lambda: kounta.delete_customer(COMPANY, ids[6]))
    assert sync().exit_code == 0
    assert _removed(tables) == [ids[5]]
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert _removed(tables) == [ids[5], ids[6]]
    assert_true(tables, sim)


def test_listed_customer_whose_record_is_not_there_is_neither_lost_nor_removed(
    sim, sync, tables, clock, caplog
):
    """`vanish`: the list is the vendor's word for who exists, run after run; it is told."""
    sync()
    ghosts = sim.kounta.customer_ids(COMPANY)[10:13]
    turn(sim, vanish=set(ghosts))
    for full in (True, False, True):
        clock.advance(MINUTE)
        with caplog.at_level("INFO", logger="regulars.kounta"):
            assert sync(full=full).exit_code == 0
        assert_true(tables, sim)
    assert "3 were listed and then gone" in caplog.text
    assert _removed(tables) == []
    sim.kounta.delete_customer(COMPANY, ghosts[0])
    sync()
    assert _removed(tables) == [ghosts[0]]


@pytest.mark.parametrize("hidden_status", [403, 404])
def test_hidden_customer_stands_where_hiding_is_said_and_ends_where_it_is_denied(
    sim, sync, tables, clock, hidden_status
):
    """403 on an absent customer's address is no deletion; 404 is, and showing it again restores."""
    sync()
    before = tables.customers()
    turn(sim, hidden_status=hidden_status)
    sim.kounta.hide(COMPANY, sim.kounta.customer_ids(COMPANY)[:3])
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert len(before - tables.customers()) == (3 if hidden_status == 404 else 0)
    sim.kounta.unhide(COMPANY)
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize(
    "astray",
    [
        {"next_page_fault": "foreign"},
        {"next_page_fault": "loop"},
        {"next_page_fault": "cycle"},
        {"headers": {"x-next-page": None, "x-pages": "11"}},
        {"headers": {"x-next-page": "http://[::1/x"}},
        {"body": b'{"error":"invalid_request"}'},
        {"body": b'[{"id":700101},"700102"]'},
        {"status": 404},
        {"status": 403},
    ],
    ids=str,
)
def test_list_that_leads_astray_publishes_nothing(sim, sync, tables, clock, astray):
    """Cases 19, 26, 27: the tables stay as they were, the token stays at home, a rerun repairs."""
    sync()
    before = tables.snapshot()
    sim.kounta.touch(COMPANY, 30)
    sim.kounta.delete_customer(COMPANY, sim.kounta.customer_ids(COMPANY)[0])
    clock.advance(MINUTE)
    if "next_page_fault" in astray:
        turn(sim, **astray)
    else:
        first = 1 if "headers" in astray else 2
        sim.fault(LIST, nth=first, times=None, **astray)
    assert sync().exit_code == (3 if astray.get("status") == 403 else 4)
    after = tables.snapshot()
    assert {name: after[name] for name in before} == before
    assert {seen.host for seen in sim.requests} == {"vendors.test"}
    assert sim.count(LIST) <= 5
    sim.clear()
    turn(sim, next_page_fault=None)
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)


def test_numbered_pages_without_a_number_are_not_taken_for_the_end(sim, sync, tables):
    """Where the count of pages is missing once, the rest of the list is not taken for absent."""
    turn(sim, paging="legacy")
    sim.fault(LIST, nth=4, headers={"x-pages": None})
    assert sync().exit_code == 4
    assert tables.customers() == set()
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_records_of_the_list_without_an_id_are_left_out_and_told(sim, sync, tables):
    """Nobody can be asked for without an id; all others of the page are."""
    sim.fault(LIST, nth=2, body=lambda body: body[:-1] + b',{"id":null},{"first_name":"Ada"}]')
    assert sync().exit_code == 0
    assert_true(tables, sim)
    told = tables.rows("select field, record_id from ops.rejects where reason like '%usable id%'")
    assert told == [("id", None)] * 2


@pytest.mark.parametrize("paging", ["header", "legacy"])
def test_failed_page_in_the_middle_costs_one_part(sim, sync, tables, clock, monkeypatch, paging):
    """Case 45: what was read is landed and not read again, and what changed meanwhile is found."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    turn(sim, paging=paging)
    kounta, ids = sim.kounta, sim.kounta.customer_ids(COMPANY)
    sim.fault(LIST, nth=6, times=None, status=503)
    assert sync().exit_code == 75
    assert tables.customers() == set()
    assert sim.count(DETAIL) == 50
    sim.clear()
    kounta.delete_customer(COMPANY, ids[70])
    kounta.update_customer(COMPANY, ids[3], last_name="Meanwhile")
    kounta.set_tags(COMPANY, ids[80], ["Meanwhile"])
    late = kounta.create_customer(COMPANY)
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert sim.count(DETAIL) == 60
    assert sim.count(LIST) <= 7
    assert (COMPANY, late) in tables.customers()
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert_true(tables, sim)
    assert _removed(tables) == []


def test_quiet_list_longer_than_the_runs_patience_comes_to_its_end(
    sim, sync, tables, clock, monkeypatch
):
    """Though nothing is new on them, pages that were read are not read again by the next run."""
    sync()
    monkeypatch.setenv("SOURCES__KOUNTA__MAX_WAIT_SECONDS", "70")
    turn(sim, page_size=5, rate_limit=6)
    gone = sim.kounta.customer_ids(COMPANY)[2]
    sim.kounta.delete_customer(COMPANY, gone)
    codes = []
    while not codes or (codes[-1] == 75 and len(codes) < 9):
        codes.append(sync().exit_code)
        clock.advance(MINUTE)
    assert codes[-1] == 0
    assert 2 <= len(codes) <= 4
    assert_true(tables, sim)


@pytest.mark.parametrize("page_size", [10, 1000])
def test_first_load_longer_than_the_runs_patience_comes_to_its_end(
    sim, sync, tables, clock, monkeypatch, page_size
):
    """Full records that were read are not read again, however long the page they stand on."""
    monkeypatch.setenv("SOURCES__KOUNTA__MAX_WAIT_SECONDS", "70")
    turn(sim, page_size=page_size, rate_limit=20)
    codes, asked = [], 0
    while not codes or (codes[-1] == 75 and len(codes) < 9):
        codes.append(sync().exit_code)
        asked += sim.count(DETAIL)
        clock.advance(MINUTE)
    assert codes[-1] == 0
    assert 3 <= len(codes) <= 5
    assert asked <= 110 + 4 * len(codes)
    assert_true(tables, sim)


def test_working_folder_lost_in_the_middle_costs_time_only(
    sim, sync, tables, clock, monkeypatch, tmp_path
):
    """Case 45: without its memory the scan starts over; what is landed already is no change."""
    import shutil

    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    sim.fault(LIST, nth=6, times=None, status=503)
    assert sync().exit_code == 75
    for folder in (tmp_path / "data").iterdir():
        if folder.name != "credentials":
            shutil.rmtree(folder)
    sim.clear()
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert sim.count(DETAIL) == 110
    assert_true(tables, sim)
    assert len(log_of(tables)) == 110


def test_company_that_is_not_shown_costs_its_own_row_alone(sim, sync, tables, clock, caplog):
    """403 on the company's record: customers are read, it is told, and asked for no more."""
    sim.fault("companies/me$", times=None, status=403)
    with caplog.at_level("INFO", logger="regulars.kounta"):
        assert sync().exit_code == 0
    assert "own record is not shown" in caplog.text
    assert_true(tables, sim)
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert sim.count("companies/me") == 0
    assert tables.one("select count(*) from raw_kounta.companies") == 0
    sim.clear()
    assert sync(full=True).exit_code == 0
    assert tables.one("select count(*) from raw_kounta.companies") == 1


def test_company_that_is_hidden_later_takes_back_no_phone(sim, sync, tables, clock):
    """The country that local numbers are read by is kept when its source is shown no more."""
    sync()
    phones = tables.rows("select customer_id, phone from core.customers order by 1")
    assert sum(phone is not None for _, phone in phones) > 20
    sim.fault("companies/me$", times=None, status=403)
    clock.advance(timedelta(hours=1))
    assert sync(full=True).exit_code == 0
    assert tables.rows("select customer_id, phone from core.customers order by 1") == phones
    assert len(log_of(tables)) == 110
