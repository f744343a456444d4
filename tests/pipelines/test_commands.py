"""What the commands say, write and end with."""

from __future__ import annotations

import json
import logging

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from pipelines.commands import report
from pipelines.demo import demo
from pipelines.publishing import Outcome
from sources.errors import ConfigError
from tests.conftest import MINUTE, assert_true
from tests.pipelines.conftest import killed

NOT_A_SECRET = "canary-" + "s3cr3t"


@pytest.fixture
def served(sim, monkeypatch):
    """The pretended vendor on a real port: commands take no transport."""
    from tests.conftest import configure

    with sim.serve():
        configure(sim, monkeypatch)
        yield sim


def test_sync_through_real_sockets(served, tables, capsys):
    """`regulars sync` end to end over HTTP: 0, a line a scan, and the truth in core."""
    assert main(["sync"]) == 0
    out = capsys.readouterr().out
    assert "customers" in out
    assert "published: the histories of 130 customers, 11 lists" in out
    assert_true(tables, served)
    assert main(["sync", "loke"]) == 0
    assert "nothing has changed since the last run" in capsys.readouterr().out
    assert main(["transform"]) == 0
    assert "core has all that is landed" in capsys.readouterr().out
    assert served.max_in_flight <= 4


def test_quiet_sync_asks_for_the_least(served):
    """Token, organisations, and for each of them one customers page, lists, members' pages."""
    main(["sync"])
    served.reset_counters()
    main(["sync"])
    organizations = served.loke.organizations
    lists = sum(len(served.loke.list_ids(org)) for org in organizations)
    assert served.count("POST") == 1
    assert served.count(r"/organizations$") == 1
    assert served.count(r"/customers\?") == len(organizations)
    assert served.count(r"/customer-lists$") == len(organizations)
    assert served.count(r"/members") == lists
    assert len(served.requests) == 2 + 2 * len(organizations) + lists


def test_same_refusal_is_told_once(capsys):
    """Two resources that fail for one reason are one thing to do for an operator."""
    refused = ["refused: renew it", "refused: renew it", "another"]
    outcome = Outcome("run", errors=[ConfigError(text) for text in refused])
    assert report(outcome) == 2
    assert capsys.readouterr().err.count("renew it") == 1


def test_nothing_configured_is_exit_2(project, capsys):
    """Without a vendor there is nothing to do, and the message says what to set."""
    assert main(["sync"]) == 2
    assert "secrets.example.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SOURCES__LOKE__BASE_URL", "ftp://nowhere"),
        ("SOURCES__LOKE__REQUESTS_PER_MINUTE", "many"),
        ("SOURCES__LOKE__CLIENT_SECRET", ""),
    ],
)
def test_wrong_setting_is_exit_2_and_named(sim, monkeypatch, capsys, setting, value):
    """A wrong value names its key, and nothing is read."""
    monkeypatch.setenv(setting, value)
    assert main(["sync"]) == 2
    assert setting.lower().replace("__", ".") in capsys.readouterr().err
    assert sim.requests == []


@pytest.mark.parametrize("words", [["sync", "acme"], ["sync", "loke"]])
def test_vendor_that_is_not_there_is_exit_2(project, words, capsys):
    """A vendor that does not exist, or is not configured, is named."""
    assert main(words) == 2
    assert words[1] in capsys.readouterr().err


def test_wrong_usage_is_exit_2(project):
    """Argparse's own errors use the same code."""
    with pytest.raises(SystemExit) as end:
        main(["sink"])
    assert end.value.code == 2


def test_query_in_every_form(sim, sync, tables, capsys, tmp_path):
    """A table, CSV, JSON lines and Parquet hold the same rows."""
    sync()
    text = "select vendor, count(*) as n from core.customers group by 1"
    assert main(["query", text]) == 0
    assert "loke" in capsys.readouterr().out
    for form, read in (
        ("csv", lambda p: p.read_text().splitlines()[1].replace('"', "").split(",")),
        ("json", lambda p: [str(v) for v in json.loads(p.read_text()).values()]),
        ("parquet", lambda p: [str(v) for v in pq.read_table(p).to_pylist()[0].values()]),
    ):
        path = tmp_path / f"rows.{form}"
        assert main(["query", text, "--format", form, "--output", str(path)]) == 0
        assert read(path) == ["loke", "130"]


@pytest.mark.parametrize(
    "text",
    [
        "delete from core.customer_history",
        "drop view core.customers",
        "selec 1",
        "select * from nix",
    ],
)
def test_query_only_reads(sim, sync, tables, capsys, text):
    """A statement that would write, or is none, is exit 2; nothing changes."""
    sync()
    before = tables.customers()
    assert main(["query", text]) == 2
    assert "the query was not run" in capsys.readouterr().err
    assert tables.customers() == before


def test_query_before_the_first_sync_says_so(project, capsys):
    """Without a warehouse the advice is to make one."""
    assert main(["query", "select 1"]) == 2
    assert "regulars sync" in capsys.readouterr().err


def test_status_tells_freshness_rows_and_what_is_held(sim, sync, tables, capsys):
    """After a run: each scan, our rows; while removals are held, exit 5 and the plan."""
    sync()
    assert main(["status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {s["resource"]: s["rows"] for s in found["scans"] if s["rows"]}.keys() >= {
        "customers", "customer_lists", "customer_list_members",
    }  # fmt: skip
    assert sum(s["rows"] or 0 for s in found["scans"] if s["resource"] == "customers") == 130
    org = sim.loke.organizations[0]
    for customer_id in sim.loke.customer_ids(org)[:70]:
        sim.loke.delete_customer(org, customer_id)
    sim.clock.advance(MINUTE)
    assert sync(full=True).exit_code == 5
    assert main(["status"]) == 5
    assert "HELD: 70 of 91 customers" in capsys.readouterr().out


def test_status_before_anything_ran(project, capsys):
    """Without a warehouse, status says what to do."""
    assert main(["status"]) == 2


def test_check_looks_at_credential_clock_and_destination(served, capsys):
    """`regulars check` reads nothing but says what it found."""
    assert main(["check"]) == 0
    out = capsys.readouterr().out
    assert "credential accepted, 3 organisations" in out
    assert "clock skew" in out  # the pretended vendor's clock stands in May
    assert "can be written" in out
    assert served.count(r"/customers") == 0


def test_check_of_a_bad_credential_is_exit_3(served, monkeypatch, capsys):
    """A refused credential is found before anything is read."""
    monkeypatch.setenv("SOURCES__LOKE__CLIENT_SECRET", NOT_A_SECRET)
    assert main(["check"]) == 3
    said = capsys.readouterr()
    assert NOT_A_SECRET not in said.out + said.err


def test_plan_writes_and_asks_nothing(sim, sync, tables, capsys):
    """Before and after the first sync, plan says what would be asked; it asks nothing itself."""
    assert main(["plan"]) == 0
    assert "first sync: reads everything" in capsys.readouterr().out
    sync()
    before = tables.snapshot()
    sim.reset_counters()
    assert main(["plan", "loke"]) == 0
    out = capsys.readouterr().out
    assert "complete every run" in out
    assert sim.requests == []
    assert tables.snapshot() == before


def test_transform_rebuilds_and_publishes(sim, sync, tables, capsys):
    """`transform --rebuild` says what it published, and core is as before."""
    sync()
    assert main(["transform", "--rebuild"]) == 0
    assert "rebuilt" in capsys.readouterr().out
    assert_true(tables, sim)


def test_no_secret_and_no_person_is_ever_said(sim, sync, tables, monkeypatch, caplog, capsys):
    """Case 57: neither a token nor a guest's data in output, log, errors, scans or state."""
    org = sim.loke.organizations[0]
    canary = "canary.guest@example.com"
    for customer_id in sim.loke.customer_ids(org)[:10]:
        sim.loke.update_customer(
            org, customer_id, email=canary, lastName="Canary-Name", phoneNumber="+61491578888x",
            dob="Canary-Date",
        )  # fmt: skip
    caplog.set_level(logging.DEBUG)
    sim.fault(
        r"/customers\?.*after", nth=2, times=None, status=400, body=f'{{"error": "{canary}"}}'
    )
    outcome = sync()
    said = [str(error) for error in outcome.errors] + [r.getMessage() for r in caplog.records]
    sim.clear()
    sync()
    shown = capsys.readouterr()
    said += [shown.out, shown.err, repr(tables.rows("select * from ops.scans"))]
    said += [
        repr(tables.rows("select * from ops.rejects")),
        repr(tables.rows("select * from ops.runs")),
    ]
    text = "\n".join(said)
    assert outcome.exit_code == 4
    for secret in (canary, "Canary-Name", "+61491578888", "Canary-Date", sim.loke.client_secret):
        assert secret not in text


def test_demo_tells_its_story_and_can_be_repeated(project, capsys, monkeypatch):
    """Day one, day two, what changed, over a demo that was broken off; nobody else's warehouse."""
    with monkeypatch.context() as interrupted:
        interrupted.setattr("simulator.Simulator.serve", killed)
        with pytest.raises(KeyboardInterrupt):
            demo(100)
    (project / "warehouse.duckdb").write_bytes(b"half of a demo")
    assert main(["demo", "--customers", "100"]) == 0
    out = capsys.readouterr().out
    arrived = {line[:20].strip(): line.split()[-1] for line in out.splitlines() if ": " in line}
    assert arrived["customers: new"] == "3"
    assert arrived["customers: deleted"] == "1"
    assert arrived["customers: changed"] == "7"
    with duckdb.connect(str(project / "warehouse.duckdb")) as db:
        db.execute("insert into ops.runs select 'real', 'sync', now(), now(), 'ok', 0")
    assert main(["demo"]) == 2
    (project / "warehouse.duckdb").rename(project / "moved.duckdb")
    with duckdb.connect(str(project / "warehouse.duckdb")) as db:
        db.execute("create schema ops; create table ops.runs as select 'real' as run_id")
    assert main(["demo"]) == 2
    other = project / "other.duckdb"
    other.write_bytes(b"somebody's")
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", str(other))
    assert main(["demo"]) == 2
    assert other.read_bytes() == b"somebody's"


def test_one_source_object_reads_anew_in_every_run(sim, tmp_path):
    """What `loke()` returns can be run again and again, as any dlt source."""
    import dlt

    from sources.loke import loke

    file, org = tmp_path / "plain.duckdb", sim.loke.organizations[0]
    pipeline = dlt.pipeline(
        "plain", destination=dlt.destinations.duckdb(str(file)), dataset_name="guests",
        pipelines_dir=str(tmp_path / "plain"),
    )  # fmt: skip
    source = loke(transport=sim.transport())
    for more in range(3):
        pipeline.run(source)
        with duckdb.connect(str(file)) as db:
            assert db.execute("select count(*) from guests.customers").fetchone() == (130 + more,)
        sim.clock.advance(MINUTE)
        sim.loke.create_customer(org)


def test_source_works_in_ordinary_dlt_code(sim, tmp_path):
    """`dlt.pipeline(...).run(loke())`: all rows at first, none when nothing changed."""
    import dlt

    from sources.job import Job
    from sources.loke import loke
    from sources.throttle import Timing

    file = tmp_path / "plain.duckdb"
    pipeline = dlt.pipeline(
        "plain", destination=dlt.destinations.duckdb(str(file)), dataset_name="guests",
        pipelines_dir=str(tmp_path / "plain"),
    )  # fmt: skip
    timing = Timing(sim.clock.now, sim.clock.sleep)
    for _ in range(2):
        pipeline.run(loke(transport=sim.transport(), job=Job(strict=True, timing=timing)))
        with duckdb.connect(str(file)) as db:
            assert db.execute("select count(*) from guests.customers").fetchone() == (130,)
        sim.clock.advance(MINUTE)
