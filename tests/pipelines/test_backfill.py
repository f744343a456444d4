"""Backfills: a window read again, between any two syncs, without a trace but what it found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sources import VENDORS
from sources.job import Window
from tests.conftest import MINUTE, NOON, assert_true, history
from tests.contract.worlds import WORLDS

pytestmark = pytest.mark.light

EVER = Window(NOON - timedelta(days=9000), None)


@pytest.fixture
def backfill(sim, clock):
    """Run one backfill in this process."""

    def run(vendor, window=EVER):
        from pipelines.sync import backfill as run_backfill
        from sources.throttle import Timing

        timing = Timing(clock.now, clock.sleep)
        return run_backfill(vendor, window, timing=timing, transport=sim.transport())

    return run


@pytest.fixture
def world(vendor, sim):
    """The vendor's world in words that all vendors share."""
    return WORLDS[vendor](sim)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.whole
def test_backfill_finds_what_moved_no_stamp_and_leaves_the_watermark(
    vendor, world, sync, backfill, tables
):
    """Case 58: what no increment sees is read again, and the next one begins where it would."""
    from pipelines.states import states
    from pipelines.status import reader
    from pipelines.warehouse import reading

    def marks():
        with reading() as connection:
            found = states(reader(connection))
        return [
            (name, resource, tenant, its.get("watermark"), its.get("full_at"))
            for name, state in sorted(found.items())
            for source in state["sources"].values()
            for resource, facts in sorted(source["resources"].items())
            for tenant, its in sorted(facts.get("tenants", {}).items())
        ]

    sync()
    before = marks()
    world.change_silently(world.any_customer())
    world.clock.advance(MINUTE)
    outcome = backfill(vendor)
    assert outcome.exit_code == 0
    assert {report.kind for report in outcome.reports} == {"backfill"}
    assert_true(tables, world.sim)
    assert marks() == before
    assert tables.one("select command from ops.runs order by run_id desc") == "backfill"
    sync()
    assert_true(tables, world.sim)


@pytest.mark.parametrize("vendor", VENDORS)
def test_backfill_removes_nobody(vendor, world, sync, backfill, tables):
    """Case 58: absence from a window means nothing."""
    sync()
    before = tables.customers()
    if vendor == "foodics":
        world.vendor.erase_customer(*world.any_customer())
    else:
        world.delete(world.any_customer())
    world.clock.advance(MINUTE)
    backfill(vendor)
    assert tables.customers() == before


@pytest.mark.parametrize("vendor", VENDORS)
def test_quiet_backfill_writes_nothing(vendor, world, sync, backfill, tables):
    """Reading again what is known is no change, and leaves no state behind."""
    sync()
    before, raw = history(tables), tables.snapshot()
    count = f"select count(*) from raw_{vendor}._dlt_pipeline_state"
    states = tables.one(count)
    world.clock.advance(MINUTE)
    outcome = backfill(vendor)
    assert outcome.published.keys == {}
    assert (history(tables), tables.snapshot()) == (before, raw)
    assert tables.one(count) == states


@pytest.mark.parametrize("vendor", VENDORS)
def test_backfill_that_stopped_goes_on_where_it_was(
    vendor, world, sync, backfill, tables, monkeypatch
):
    """Case 58: a window read in part is gone on with by the next one; a sync between is true."""
    sync()
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    for start in (0, 40):
        world.change_many(start, 30)
    world.change_silently(world.any_customer())
    world.sim.fault(r"GET .*/customers\?|GET .*/customers$", nth=4, times=12, status=503)
    assert backfill(vendor).exit_code == 75
    world.sim.clear_faults()
    sync()
    assert backfill(vendor).exit_code == 0
    sync()
    assert_true(tables, world.sim)


@pytest.mark.parametrize("vendor", ["loke", "collins", "foodics"])
def test_older_version_from_a_backfill_never_replaces_a_newer_one(
    vendor, world, sync, backfill, tables
):
    """Case 16: an answer that lags behind the log is recognised by the vendor's own stamp."""
    answers: dict[tuple[str, str | None], bytes] = {}
    record = world.sim.respond

    def key(request):
        # LOKE's addresses name the tenant, and each run has a token of its own.
        return request.line, None if vendor == "loke" else request.headers.get("authorization")

    def keep(request):
        answer = record(request)
        if "/customers" in request.path:
            answers[key(request)] = answer.body
        return answer

    world.sim.respond = keep
    backfill(vendor)
    world.sim.respond = record
    sync()
    world.clock.advance(MINUTE)
    customer = world.any_customer()
    world.rename(customer, "Newer")
    sync()
    before = history(tables)

    def stale(request):
        answer = record(request)
        answer.body = answers.get(key(request), answer.body)
        return answer

    world.sim.respond = stale
    world.clock.advance(MINUTE)
    backfill(vendor)
    world.sim.respond = record
    assert history(tables) == before
    sync()
    assert_true(tables, world.sim)


@pytest.mark.parametrize("vendor", ["kounta"])
def test_kounta_says_that_it_reads_everything(vendor, backfill, caplog):
    """Where the vendor has no filter by time, the run says so."""
    with caplog.at_level("WARNING", logger="regulars.kounta"):
        outcome = backfill(vendor, Window(NOON, None))
    assert outcome.exit_code == 0
    assert "reads everything" in caplog.text


@pytest.mark.parametrize("vendor", ["loke"])
def test_window_is_not_left_behind(vendor, sim, backfill):
    """A LOKE backfill reads newest first, and stops where the window begins."""
    outcome = backfill(vendor, Window(NOON - timedelta(days=30), None))
    pages = {report.tenant_id: report.pages for report in outcome.reports}
    assert pages[sim.loke.organizations[0]] < 5


@pytest.mark.parametrize(
    "arguments",
    [
        ["--from", "tomorrow"],
        ["--from", "2026-03-02", "--to", "2026-03-01"],
        ["--from", "2999-01-01"],
    ],
)
def test_wrong_window_ends_2(arguments, project, capsys):
    """Nothing is read for a window that makes no sense, and the message names the argument."""
    from pipelines.cli import main

    assert main(["backfill", "loke", *arguments]) == 2
    assert "--from" in capsys.readouterr().err


def test_days_of_a_window_are_whole():
    """Both days are in it, from the first moment to the last."""
    from pipelines.commands import _window

    window = _window("2026-03-01", "2026-03-02")
    assert window.since == datetime(2026, 3, 1, tzinfo=UTC)
    assert window.until is not None
    assert window.until > datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC)
