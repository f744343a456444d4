"""What `status`, `plan` and `check` know without reading, and what their exit codes tell."""

from __future__ import annotations

import json
import re
import shutil
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from pipelines import probe
from pipelines.cli import main
from pipelines.plan import plan
from pipelines.status import status
from simulator import MISSING
from sources.throttle import Timing
from tests.conftest import MINUTE

HOUR = timedelta(hours=1)
ALL = ("loke", "collins", "kounta", "foodics")


@pytest.fixture
def always_fresh(monkeypatch):
    """No objective: the pretended clock stands in another year than the machine's."""
    for vendor in ALL:
        monkeypatch.setenv(f"SOURCES__{vendor.upper()}__FRESHNESS_HOURS", "0")


def _write(tables, text, *values):
    with duckdb.connect(str(tables.file)) as connection:
        connection.execute(text, values)


def _hold(sim, sync):
    """Let a complete scan miss more of the large organisation than the guard believes."""
    sim.clock.advance(25 * HOUR)
    org = sim.loke.organizations[0]
    sim.loke.hide(org, sim.loke.customer_ids(org)[:60])
    assert sync().exit_code == 5
    return org


def _plan(sim, names=()):
    return plan(names, Timing(sim.clock.now, sim.clock.sleep))


def test_held_removals_are_known_to_every_worker(sim, sync, tables, always_fresh, tmp_path, capsys):
    """What is held is in the destination: without local files it is 5 too, until it is not."""
    sync()
    assert main(["status"]) == 0
    org = _hold(sim, sync)
    assert main(["status"]) == 5
    assert "HELD: 60 of 91 customers" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "data")
    assert main(["status"]) == 5
    assert f"HELD: removals of customers (loke, {org})" in capsys.readouterr().out
    (held,) = _plan(sim).held
    assert (held["resource"], held["missing"]) == ("customers", None)
    sim.clock.advance(MINUTE)
    sim.loke.unhide(org)
    assert sync().exit_code == 0
    assert main(["status"]) == 0


def test_plan_file_alone_holds_nothing(sim, sync, always_fresh, tmp_path):
    """A plan that was left behind, or is another destination's, is no finding by itself."""
    sync()
    _hold(sim, sync)
    left = (tmp_path / "data" / "held" / "loke.json").read_text()
    sim.clock.advance(MINUTE)
    sync(full=True, allow_mass_delete=True)
    (tmp_path / "data" / "held" / "loke.json").write_text(left)
    assert main(["status"]) == 0
    assert _plan(sim).held == []


def test_run_that_ended_held_is_shown(sim, sync, tables, always_fresh, capsys):
    """A failed check leaves no removals: the last run's own row tells."""
    sync()
    _write(tables, "update ops.runs set status = 'held', exit_code = 5")
    assert main(["status"]) == 5
    assert "ended held" in capsys.readouterr().out


def test_status_ends_5_when_a_resource_is_not_fresh(sim, sync, tables, monkeypatch, capsys):
    """Case 60: each vendor has an objective, 26 hours unless set; 0 is none."""
    monkeypatch.delenv("SOURCES__LOKE__FRESHNESS_HOURS")
    sync()
    for hours, objective, code in (
        (1, None, 0), (27, None, 5), (27, "48", 0), (27, "0", 0), (2, "1.5", 5),
    ):  # fmt: skip
        _write(tables, "update ops.scans set started_at = ?", datetime.now(UTC) - hours * HOUR)
        if objective:
            monkeypatch.setenv("SOURCES__LOKE__FRESHNESS_HOURS", objective)
        assert main(["status"]) == code, (hours, objective)
        assert ("STALE: loke" in capsys.readouterr().out) is (code == 5)


def test_only_a_complete_scan_makes_fresh(sim, sync, tables, monkeypatch):
    """Case 60: scans that fail, and backfills, are no sign of freshness, however recent."""
    monkeypatch.delenv("SOURCES__LOKE__FRESHNESS_HOURS")
    sync()
    long_ago, now = datetime.now(UTC) - 40 * HOUR, datetime.now(UTC)
    _write(tables, "update ops.scans set started_at = ?", long_ago)
    _write(
        tables,
        "insert into ops.scans select * replace (? as started_at, 'later' as scan_id) "
        "from ops.scans where resource = 'customers'",
        now,
    )
    assert {s["resource"] for s in status()["scans"] if not s["stale"]} == {"customers"}
    for scan in ("complete = false", "complete = true, kind = 'backfill'"):
        _write(tables, f"update ops.scans set {scan} where scan_id = 'later'")
        assert all(scan["stale"] for scan in status()["scans"]), scan


def _assert_grows_stale(monkeypatch, capsys, *words):
    """Status says these words whatever the objective is, and ends 5 where it is long past."""
    for hours, code in (("0", 0), ("26", 5)):
        monkeypatch.setenv("SOURCES__LOKE__FRESHNESS_HOURS", hours)
        assert main(["status"]) == code
        told = capsys.readouterr().out
        assert [word for word in words if word not in told] == []
        assert ("STALE: nothing came since" in told) is bool(code)


def test_first_load_that_was_killed_is_told_and_grows_stale(sim, sync, tables, monkeypatch, capsys):
    """Case 60: before any run came to its end there is no scan to be old; its checkpoint is."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    sim.fault(r"/customers\?.*after", nth=2, times=None, status=503)
    assert sync().exit_code == 75
    _write(tables, "drop schema ops cascade")
    _assert_grows_stale(
        monkeypatch, capsys, "no run has come to its end yet", "under way: loke/customers"
    )


def test_first_load_that_was_never_published_is_told_and_grows_stale(
    sim, sync, tables, monkeypatch, capsys
):
    """Case 60: landed to its end and killed while it published, in every run: all is not well."""
    sync()
    _write(tables, "drop schema ops cascade")
    _assert_grows_stale(monkeypatch, capsys, "all landed; the next run publishes it")


def test_total_far_from_the_vendors_is_exit_5(sim, sync, tables, always_fresh, capsys):
    """Case 60: a difference is a line; beyond max(5, 1 %) of a complete scan a person looks."""
    sync()
    for more, code in ((0, 0), (3, 0), (6, 5)):
        _write(tables, "update ops.scans set vendor_total = vendor_total + ?", more)
        assert main(["status"]) == code, more
        out = capsys.readouterr().out
        assert ("DIFFERS: loke/customer_list_members" in out) is (code == 5)
        assert ("differs a little" in out) is (more == 3)


@pytest.mark.parametrize("vendor", ["foodics"])
def test_total_is_compared_with_what_we_had_then(vendor, sim, sync, tables):
    """Customers who come after a complete scan are no disagreement with its total."""
    sync()
    tenant = sim.foodics.tenants[0]
    sim.clock.advance(HOUR)
    for _ in range(10):
        sim.foodics.create_customer(tenant)
    sim.clock.advance(HOUR)
    sync()
    (scan,) = (
        s for s in status()["scans"] if (s["tenant_id"], s["resource"]) == (tenant, "customers")
    )
    assert scan["kind"] == "incremental"
    assert scan["rows"] == scan["compared"]["rows"] + 10
    assert scan["compared"]["vendor_total"] == scan["compared"]["rows"]


@pytest.mark.parametrize("vendor", ALL)
def test_every_resource_of_every_vendor_is_counted(vendor, sim, sync, tables):
    """Our rows of a resource are those of the core table its staging SQL makes of it."""
    sync()
    scans = status()["scans"]
    rows: dict[str, int] = {}
    for scan in scans:
        rows[scan["resource"]] = rows.get(scan["resource"], 0) + (scan["rows"] or 0)
    truth = getattr(sim, vendor).truth()
    assert rows["customers"] == len(truth.customers)
    assert {scan["resource"] for scan in scans if scan["rows"] is None} <= {
        "organizations", "companies", "businesses", "customer_bookings",
    }  # fmt: skip
    for view in ("lists", "memberships"):
        for kind, count in tables.rows(f"select list_kind, count(*) from core.{view} group by 1"):
            assert count in rows.values(), (view, kind)


@pytest.mark.parametrize("vendor", ALL)
def test_plan_foretells_a_quiet_run(vendor, sim, sync):
    """Before and after the first sync plan names every scan; of a quiet run, its requests too."""
    first = [step for step in _plan(sim).steps if step.vendor == vendor]
    assert {step.requests for step in first} == {None}
    # Which of a vendor's accounts is meant can be told before its tenants are known.
    assert len({step.tenant_id for step in first}) == len(first)
    sync()
    sim.clock.advance(HOUR)
    sync()
    sim.clock.advance(MINUTE)
    steps = _plan(sim, [vendor, vendor]).steps
    reports = sync().reports
    asked = sum(report.requests for report in reports)
    assert sum(step.requests or 0 for step in steps) == pytest.approx(asked, abs=2)
    foretold = {(s.resource, s.tenant_id): s.kind for s in steps}
    assert foretold.items() <= {(r.resource, r.tenant_id): r.kind for r in reports}.items()
    assert len(foretold) == len(steps)


@pytest.mark.parametrize("vendor", ["kounta"])
def test_plan_tells_whose_turn_it_is(vendor, sim, sync, monkeypatch, capsys):
    """Kounta's list is read whole every run, and full records in turn within their age."""
    monkeypatch.setenv("SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS", "10")
    sync()
    sim.clock.advance(24 * HOUR)
    (step,) = (s for s in _plan(sim).steps if (s.resource, s.tenant_id) == ("customers", "5678"))
    assert step.kind == "incremental"
    assert "the whole list" in step.note
    assert "about 11 of 110 whose turn it is (10 days)" in step.note


def test_plan_after_a_held_first_watermark(sim, sync):
    """A scan that brought the first watermark and was held is read completely again."""
    org = sim.loke.organizations[0]
    for customer_id in sim.loke.customer_ids(org):
        sim.loke.update_customer(org, customer_id, updatedAt=MISSING)
    sync()
    sim.loke.touch(org, 80)
    _hold(sim, sync)
    (step,) = (s for s in _plan(sim).steps if (s.resource, s.tenant_id) == ("customers", org))
    assert (step.kind, "held" in step.note) == ("full", True)


def test_plan_calls_a_resumed_increment_what_it_is(sim, sync, monkeypatch):
    """A checkpoint is gone on with as the kind of scan that left it."""
    monkeypatch.setenv("RUNS__CHECKPOINT_PAGES", "1")
    sync()
    org = sim.loke.organizations[0]
    sim.clock.advance(HOUR)
    sim.loke.touch(org, 80)
    sim.fault(rf"{org}/customers\?.*after", nth=2, times=None, status=503)
    assert sync().exit_code == 75
    sim.clear()
    (step,) = (s for s in _plan(sim).steps if (s.resource, s.tenant_id) == ("customers", org))
    assert (step.kind, step.note) == ("incremental", "goes on at its checkpoint")


def test_plan_of_nothing_is_exit_2(project, capsys):
    """Where a sync would end 2 for lack of a vendor, so does its plan."""
    assert main(["plan"]) == 2
    assert "requests" not in capsys.readouterr().out


def test_check_makes_no_warehouse(sim, project):
    """A destination that is not there yet is looked at, not made: the demo would refuse it."""
    timing = Timing(sim.clock.now, sim.clock.sleep)
    findings = list(probe.check(sim.transport(), timing))
    assert [finding.error for finding in findings] == [None, None, None]
    assert "can be written" in findings[-1].text
    assert list(project.glob("*.duckdb*")) == []


def test_check_of_a_folder_that_is_not_there_is_exit_2(sim, project, monkeypatch):
    """A warehouse that could not be made is found before anything is read."""
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", str(project / "no" / "w.duckdb"))
    *_, last = probe.check(sim.transport(), Timing(sim.clock.now, sim.clock.sleep))
    assert last.error is not None
    assert last.error.exit_code == 2


def test_check_of_another_warehouse_asks_it(sim, monkeypatch):
    """A destination of another kind is reached for; what it says may hold a password."""
    monkeypatch.setenv("DESTINATION__WAREHOUSE__DESTINATION_TYPE", "postgres")
    url = "postgresql://somebody:c4nary@localhost:1/guests"
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", url)
    *_, last = probe.check(sim.transport(), Timing(sim.clock.now, sim.clock.sleep))
    assert last.error is not None
    assert last.error.exit_code == 2
    assert "c4nary" not in str(last.error)


def test_check_looks_at_the_other_accounts_too(sim, monkeypatch):
    """One account that is half configured hides nothing of the others."""
    monkeypatch.setenv("SOURCES__LOKE__ACCOUNTS__NORTH__CLIENT_ID", "somebody")
    findings = list(probe.check(sim.transport(), Timing(sim.clock.now, sim.clock.sleep)))
    assert [f.error.exit_code for f in findings if f.error] == [2]
    assert any("credential accepted" in finding.text for finding in findings)


def test_check_waits_for_all_vendors_at_once(sim, project, monkeypatch):
    """Vendors that do not answer are waited for side by side, and told in their order."""
    for key in ("CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"SOURCES__LOKE__ACCOUNTS__NORTH__{key}", "somebody")
    both = threading.Barrier(2)

    def look(account, *_):
        both.wait(timeout=30)
        yield probe.Finding(account.label)

    monkeypatch.setattr(probe, "_account", look)
    told = [finding.text for finding in probe.check(sim.transport())]
    assert told[:2] == ["loke", "loke_north"]


def test_status_as_json_holds_what_the_table_shows(sim, sync, always_fresh, capsys):
    """The machine's form has freshness and reconciliation of every scan."""
    sync()
    assert main(["status", "--json"]) == 0
    (scan, *_) = json.loads(capsys.readouterr().out)["scans"]
    assert scan["resource"] == "customer_list_members"
    assert scan["compared"]["vendor_total"] == scan["compared"]["rows"] == scan["rows"]
    assert re.match(r"2026-05-02", scan["last_complete_at"])
    assert scan["stale"] is False
