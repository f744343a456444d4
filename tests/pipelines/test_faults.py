"""Faults of the wire end in the right exit code, with the tables untouched or complete."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sources.changes import Changes
from tests.conftest import MINUTE, assert_true

pytestmark = pytest.mark.light

PAGE_2 = r"GET .*/customers\?.*after="


def _untouched_then_complete(sim, sync, tables, before, code):
    """Run into a fault, see nothing changed, and see one more run repair everything."""
    outcome = sync(full=True)
    assert outcome.exit_code == code
    assert tables.customers() == before
    sim.clear()
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize(
    "body",
    [b"<html>busy</html>", b'[{"id": "01', b'{"error": "no"}', b'"text"', b"[1, 2]"],
    ids=["html", "truncated", "object", "text", "numbers"],
)
def test_wrong_body_is_tried_three_times_and_nothing_is_published(sim, sync, tables, body):
    """Case 27: a 200 whose body is not what it should be fails the scan, exit 4."""
    sim.fault(PAGE_2, times=None, body=body)
    outcome = sync()
    assert outcome.exit_code == 4
    assert tables.customers() == set()
    first = sim.loke.organizations[0]
    assert sim.count(rf"{first}/customers\?.*after=") == 3


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"hang": True}, {"truncate": True}, {"status": 503}],
    ids=["500", "drop", "hang", "truncate", "503"],
)
def test_page_that_never_comes_leaves_everything_as_it_was(sim, sync, tables, fault):
    """Case 21: a page that fails for good fails its scan; the next run repairs."""
    sync()
    before = tables.customers()
    sim.loke.touch(sim.loke.organizations[0], 60)
    sim.loke.create_customer(sim.loke.organizations[0])
    sim.fault(PAGE_2, nth=2, times=None, **fault)
    _untouched_then_complete(sim, sync, tables, before, 75)


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 429}])
def test_passing_fault_is_not_even_noticed(sim, sync, tables, fault):
    """A fault that passes within the tries costs time, nothing else."""
    sim.fault(PAGE_2, times=2, **fault)
    assert sync().exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize("fault", ["foreign", "loop", "cycle"])
def test_next_page_that_leads_nowhere_good_is_a_broken_promise(sim, sync, tables, fault):
    """Cases 19, 26: a repeated address or a foreign host ends the scan at once, exit 4."""
    sim.loke.switches.next_page_fault = fault
    outcome = sync()
    assert outcome.exit_code == 4
    assert not [key for key in tables.customers() if key[0] == sim.loke.organizations[0]]
    assert all(seen.host.split(":")[0] == "vendors.test" for seen in sim.requests)


@pytest.mark.parametrize("fault", ["empty_with_next", "empty_string"])
def test_only_the_vendors_signal_is_the_end(sim, sync, tables, fault):
    """Case 20: an empty page with a next address is not the end; an empty address is."""
    sim.loke.switches.next_page_fault = fault
    assert sync().exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize("direction", ["ascending", "mixed"])
def test_order_that_is_not_newest_first_means_reading_everything(sim, sync, tables, direction):
    """LOKE's direction is nowhere promised; both answers give the same tables."""
    sim.loke.switches.direction = direction
    sync()
    sim.clock.advance(timedelta(hours=1))
    sim.loke.touch(sim.loke.organizations[0], 30)
    outcome = sync()
    assert_true(tables, sim)
    kinds = {r.kind for r in outcome.reports if r.resource == "customers" and r.rows_seen > 40}
    assert kinds == {"full"}


@pytest.mark.parametrize(
    "switches",
    [
        {"next_page": "relative"},
        {"absent": "null"},
        {"statistics_names": "plain"},
        {"token_auth": "body"},
        {"token_auth": "basic"},
        {"date_header": False},
        {"member_count": "stale"},
        {"nulls_sort": "first"},
        {"ties": "shuffled"},
        {"stamps_ms": True},
        {"extra_field": True},
        {"cursor": "offset"},
    ],
    ids=str,
)
def test_either_answer_of_an_unknown_works(sim, sync, tables, switches):
    """Whatever LOKE's documentation leaves open, both answers give true tables."""
    for name, value in switches.items():
        setattr(sim.loke.switches, name, value)
    sync()
    sim.clock.advance(timedelta(hours=1))
    sim.loke.touch(sim.loke.organizations[0], 3)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_switching_the_spelling_of_nothing_is_no_change(sim, sync, tables):
    """Absent and null are the same unknown: no history row comes of it."""
    sync()
    before = tables.snapshot()
    sim.loke.switches.absent = "null"
    sync(full=True)
    assert tables.snapshot() == before


def test_undocumented_field_is_kept_and_told_once(sim, sync, tables, caplog):
    """Case 53: a new field lands in _extra; the log says so once, and for good."""
    sim.loke.switches.extra_field = True
    sync()
    assert tables.one("select count(*) from raw_loke.customers where _extra like '%nickname%'")
    assert len([r for r in caplog.records if "nickname" in r.getMessage()]) == 2  # two tenants
    caplog.clear()
    sim.loke.touch(sim.loke.organizations[0], 5)
    sim.clock.advance(MINUTE)
    sync()
    assert not [r for r in caplog.records if "nickname" in r.getMessage()]


def test_field_that_is_sent_no_more_is_told_once(sim, sync, tables, caplog):
    """Case 53: it is NULL from then on, in versions that begin then, and the log says so once."""
    sync()
    had = tables.one("select count(*) from core.customers where gender is not null")
    assert had > 0
    sim.loke.switches.dropped_field = "gender"
    for told in (2, 0):  # two tenants
        caplog.clear()
        sim.clock.advance(MINUTE)
        assert sync(full=True).exit_code == 0
        said = [r.getMessage() for r in caplog.records if "any more" in r.getMessage()]
        assert len(said) == told
        assert all("has gender any more" in line for line in said)
    assert tables.one("select count(*) from core.customers where gender is not null") == 0
    assert tables.one("select count(*) from core.customer_history where gender is not null") == had


@pytest.mark.parametrize("secret", ["wrong", "demo-secret-of-no-value"])
def test_refused_credential_is_exit_3(sim, sync, tables, monkeypatch, secret):
    """A secret the vendor refuses, and a token it refuses right after issuing it."""
    monkeypatch.setenv("SOURCES__LOKE__CLIENT_SECRET", secret)
    if secret != "wrong":
        sim.fault(r"GET /loke/", times=None, status=401)
    outcome = sync()
    assert outcome.exit_code == 3
    assert "demo-secret" not in str(outcome.errors[0])


def test_token_that_expires_again_and_again_is_renewed(sim, sync, tables):
    """Case 55: a token outlives few requests, and every attempt is signed anew."""
    sim.loke.switches.token_seconds = 20
    sim.before(PAGE_2, 2, lambda: sim.clock.advance(timedelta(seconds=30)))
    sim.before(PAGE_2, 4, lambda: sim.clock.advance(timedelta(seconds=30)))
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_missing_permission_is_exit_3_and_touches_nothing(sim, sync, tables):
    """403 on a whole resource: that scan fails, the others are done."""
    sim.fault(r"/customers\?", times=None, status=403)
    outcome = sync()
    assert (outcome.exit_code, outcome.status) == (3, "partial")
    assert tables.customers() == set()
    assert tables.one("select count(*) from core.lists") == 11


@pytest.mark.parametrize("status", [404, 403])
def test_list_that_cannot_be_read_once_keeps_its_members(sim, sync, tables, status):
    """Case 33: a passing 404 or 403 on one list leaves that list alone, and is told."""
    sync()
    before = tables.members()
    sim.fault(r"/members$", times=1, status=status)
    outcome = sync()
    assert (outcome.exit_code, outcome.status) == (75, "partial")
    assert tables.members() == before
    incomplete = [r for r in outcome.reports if not r.complete]
    assert [r.resource for r in incomplete] == ["customer_list_members"]
    assert sync().exit_code == 0


def test_list_deleted_between_the_lists_and_its_members_ends(sim, sync, tables):
    """Case 34: the members call says 404, the list says 404: both end, the run is fine."""
    sync()
    org = sim.loke.organizations[0]
    gone = sim.loke.list_ids(org)[0]
    sim.before(rf"{gone}/members", 1, lambda: sim.loke.delete_list(org, gone))
    assert sync().exit_code == 0
    assert not [row for row in tables.members() if row[1] == gone]
    sync()
    assert_true(tables, sim)


def test_customers_updated_while_they_are_read_are_all_there(sim, sync, tables):
    """Case 5: an update during the scan moves rows; the next run has the last state of each."""
    org = sim.loke.organizations[0]
    ids = sim.loke.customer_ids(org)
    for page in (1, 2, 3):
        sim.before(
            rf"{org}/customers\?",
            page,
            lambda p=page: sim.loke.update_customer(org, ids[p], lastName="X"),
        )
    sync()
    sim.clock.advance(MINUTE)
    sync()
    assert_true(tables, sim)


@pytest.mark.parametrize("cursor", ["keyset", "offset"])
def test_deletions_during_a_scan_remove_just_those(sim, sync, tables, cursor):
    """Case 18: rows shift under a drifting cursor; only what is really gone is removed."""
    sim.loke.switches.cursor = cursor
    sync()
    org = sim.loke.organizations[0]
    newest = sorted(sim.loke.customer_ids(org), reverse=True)[:3]

    def delete():
        for customer_id in newest:
            sim.loke.delete_customer(org, customer_id)

    sim.before(rf"{org}/customers\?", 2, delete)
    outcome = sync(full=True)
    gone = tables.rows("select count(*) from raw_loke.customers where _op = 'delete'")
    assert gone[0][0] <= 3
    sync(full=True)
    assert_true(tables, sim)
    assert tables.one("select count(*) from raw_loke.customers where _op = 'delete'") == 3
    assert outcome.exit_code == 0


def test_page_cap_of_memory_and_work_is_a_checkpoint(sim, sync, tables, monkeypatch):
    """Case 45: a scan goes on at its last checkpoint, and shows nothing before it is complete."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    assert sync().exit_code == 75
    assert not [key for key in tables.customers() if key[0] == org]
    assert tables.one("select count(*) from raw_loke.customers") > 0
    sim.clear()
    outcome = sync()
    assert outcome.exit_code == 0
    assert_true(tables, sim)
    assert sim.count(rf"{org}/customers\?") == 2  # pages 4 and 5; the first three are kept
    assert tables.one("select count(*) from raw_loke.customers") == 130


def test_checkpoint_whose_memory_is_lost_starts_over(sim, sync, tables, monkeypatch, tmp_path):
    """Case 45: without the working folder the scan starts at page one, and is as right."""
    import shutil

    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    sync()
    sim.clear()
    shutil.rmtree(tmp_path / "data")
    gone = max(sim.loke.customer_ids(org))
    sim.loke.delete_customer(org, gone)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_wait_longer_than_the_run_may_take_is_exit_75(sim, sync, tables, monkeypatch):
    """Case 54: quota gone for an hour: checkpoint, 75, and the next run continues."""
    sim.fault(PAGE_2, nth=3, times=None, status=429, headers={"retry-after": "3600"})
    outcome = sync()
    assert outcome.exit_code == 75
    assert "may be asked again at 2026-05-02 13:" in str(outcome.errors[0])
    sim.clear()
    sim.clock.advance(timedelta(hours=1))
    assert sync().exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize(
    "header",
    ["retry_after", "retry_after_date", "retry_after_zero", "reset_iso", "reset_epoch", "none"],
)
def test_every_way_of_asking_us_to_wait_is_obeyed(sim, sync, tables, monkeypatch, header):
    """Case 54: six forms of the same wait; the run slows down and completes."""
    monkeypatch.setenv("SOURCES__LOKE__MAX_WAIT_SECONDS", "900")
    sim.loke.switches.rate_limit, sim.loke.switches.rate_limit_header = 20, header
    assert sync().exit_code == 0
    assert_true(tables, sim)
    if header not in ("none", "retry_after_zero"):
        # the token comes from another host; each refusal is asked again just once
        assert len([seen for seen in sim.requests if seen.status == 429]) <= 8


def test_page_address_the_vendor_no_longer_takes_is_asked_once(sim, sync, tables, monkeypatch):
    """A checkpoint whose cursor has expired: that run ends 4, the next starts over and is right."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "2")
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    sync()
    sim.clear()
    sim.fault(rf"{org}/customers\?.*after=", times=1, status=400)
    assert sync().exit_code == 4
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_held_removals_stay_held_in_every_run_until_somebody_decides(sim, sync, tables, tmp_path):
    """A scheduled run after a held one looks again, and ends 5 again; allowing needs no --full."""
    sync()
    org = sim.loke.organizations[0]
    for customer_id in sim.loke.customer_ids(org)[:70]:
        sim.loke.delete_customer(org, customer_id)
    assert sync(full=True).exit_code == 5
    assert sync().exit_code == 5
    sim.fault(r"/customers\?", times=None, status=500)
    assert sync().exit_code == 75
    assert list((tmp_path / "data" / "held").glob("*.json"))
    sim.clear()
    assert sync(allow_mass_delete=True).exit_code == 0
    assert not list((tmp_path / "data" / "held").glob("*.json"))
    assert_true(tables, sim)


def test_error_nobody_foresaw_is_exit_4_without_its_text(sim, sync, tables, monkeypatch, capsys):
    """An unexpected exception shows its class only; its text may hold a row."""
    from pipelines import sync as runs
    from pipelines.cli import main

    def fail(*_, **__):
        raise RuntimeError("guest@example.com")

    monkeypatch.setattr(runs, "land", fail)
    assert main(["sync"]) == 4
    said = capsys.readouterr()
    assert "RuntimeError" in said.err
    assert "guest@" not in said.out + said.err


@pytest.mark.parametrize("leaves", [False, True])
def test_half_read_list_goes_on_where_it_was(sim, sync, tables, monkeypatch, leaves):
    """Its pages are not asked for twice; only if somebody left meanwhile it is read in one go."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    sync()
    sim.loke.switches.members_page_size = 5
    org = sim.loke.organizations[0]
    chosen = sim.loke.list_ids(org)[0]
    pages = -(-len(sim.loke.member_ids(org, chosen)) // 5)
    assert pages > 4
    busy = {"status": 429, "headers": {"retry-after": "3600"}}
    sim.fault(rf"{chosen}/members.*after", nth=3, times=None, **busy)
    assert sync().exit_code == 75
    sim.clear()
    if leaves:
        sim.loke.remove_member(org, chosen, sim.loke.member_ids(org, chosen)[0])
    assert sync().exit_code == 0
    again = -(-len(sim.loke.member_ids(org, chosen)) // 5) if leaves else 0
    assert sim.count(rf"{chosen}/members") == pages - 3 + again
    assert_true(tables, sim)


def test_full_means_as_it_is_now_not_as_a_checkpoint_left_it(sim, sync, tables, monkeypatch):
    """`--full` after an interrupted scan sees a deletion on pages that scan had read."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    sync()
    org = sim.loke.organizations[0]
    sim.fault(rf"{org}/customers\?", nth=4, times=None, status=500)
    assert sync(full=True).exit_code == 75
    sim.clear()
    sim.loke.delete_customer(org, max(sim.loke.customer_ids(org)))
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)


def test_scan_whose_last_rows_cannot_be_handed_on_is_not_complete(sim, sync, tables, monkeypatch):
    """It had come to its end: what it says of itself is taken back, and the next run repairs."""

    def torn(_):
        yield from ()
        raise ValueError

    with monkeypatch.context() as broken:
        broken.setattr(Changes, "drain", torn)
        outcome = sync()
    assert outcome.exit_code == 4
    assert {(one.complete, one.watermark) for one in outcome.reports} == {(False, None)}
    assert tables.one("select count(*) from ops.scans where complete") == 0
    assert sync().exit_code == 0
    assert_true(tables, sim)
