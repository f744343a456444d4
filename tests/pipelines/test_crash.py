"""`kill -9` at the points that matter, in a process of its own; one more run repairs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from simulator import LokeSwitches, Simulator
from tests.conftest import ROOT, assert_true

# A driver that runs a sync and dies by SIGKILL at a named point of dlt's or our own work: before
# a call, or just after it. The product knows nothing of it.
DRIVER = """
import os, signal, sys
from pipelines import project; project.prepare()
from dlt.pipeline.pipeline import Pipeline
import transforms.publish as publish_module
point, moment, nth = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0
def deadly(original):
    def wrapped(*args, **kwargs):
        global seen
        seen += 1
        mine = seen  # dlt loads its jobs in several threads
        if mine == nth and moment == "before": os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if mine == nth and moment == "after": os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped
if point in ("extract", "normalize", "load"):
    setattr(Pipeline, point, deadly(getattr(Pipeline, point)))
elif point == "job":
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    DuckDbCopyJob.run = deadly(DuckDbCopyJob.run)
elif point == "statement":
    publish_module.Warehouse.run = deadly(publish_module.Warehouse.run)
from pipelines.cli import main
sys.exit(main(["sync", "loke", "--full"]))
"""


@pytest.fixture
def served(project, clock, monkeypatch):
    """LOKE on a real port, and the environment a child process reaches it by."""
    from tests.conftest import configure

    made = Simulator(customers=130, clock=clock, only=["loke"], loke=LokeSwitches(page_size=20))
    with made.serve():
        configure(made, monkeypatch)
        yield made


def _child(*arguments: str) -> int:
    run = subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments], cwd=ROOT, capture_output=True, check=False,
        env=os.environ,
    )  # fmt: skip
    sys.stderr.write(run.stderr.decode())
    return run.returncode


POINTS = [
    ("extract", "before", "1"),
    ("extract", "after", "1"),
    ("normalize", "after", "1"),
    ("job", "before", "1"),
    ("job", "after", "2"),
    ("load", "after", "1"),
    ("statement", "before", "12"),
    ("statement", "after", "30"),
]


@pytest.mark.parametrize("point", POINTS, ids="-".join)
def test_kill_at_any_step_then_one_run_repairs(served, tables, point):
    """Invariant 5, cases 42, 43: killed at a step, changed, then run: as if never killed."""
    org = served.loke.organizations[0]
    assert _child("none", "none", "0") == 0
    served.loke.touch(org, 20)
    served.loke.delete_customer(org, served.loke.customer_ids(org)[3])
    assert _child(*point) == -signal.SIGKILL
    late = served.loke.create_customer(org, firstName="After", lastName="Kill")
    assert _child("none", "none", "0") == 0
    assert_true(tables, served)
    assert (org, late) in tables.customers()


def test_kill_while_a_page_is_read_then_one_run_repairs(served, tables):
    """Killed at page 3 of the first sync: nothing was shown, and the rerun is complete."""
    child = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "none", "none", "0"], cwd=ROOT, env=os.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    org = served.loke.organizations[0]
    served.before(rf"{org}/customers\?", 3, lambda: os.kill(child.pid, signal.SIGKILL))
    assert child.wait(30) == -signal.SIGKILL
    assert tables.customers() == set()
    assert _child("none", "none", "0") == 0
    assert_true(tables, served)


def test_two_runs_at_once_one_works_the_other_ends_75(served, tables):
    """Case 50: the second run is told whose turn it is; a killed owner leaves no lock behind."""
    served.fault(r"/organizations$", delay=20.0)
    first = subprocess.Popen(
        [sys.executable, "-c", DRIVER, "none", "none", "0"], cwd=ROOT, env=os.environ,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while served.count("/organizations$") == 0:
        time.sleep(0.02)
    assert _child("none", "none", "0") == 75
    first.kill()
    first.wait()
    assert _child("none", "none", "0") == 0
    assert_true(tables, served)


def test_reader_of_the_file_is_waited_for_and_then_named(served, tables, monkeypatch):
    """Case 49: an analyst's open connection costs a wait, or exit 75 with its process id."""
    assert _child("none", "none", "0") == 0
    hold = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print('open', flush=True); time.sleep(float(sys.argv[2]))"
    )

    def reader(seconds: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-c", hold, str(tables.file), seconds], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        return child

    forever = reader("60")
    run = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "sync"], cwd=ROOT, capture_output=True, check=False,
        text=True,
    )  # fmt: skip
    forever.kill()
    forever.communicate()
    assert run.returncode == 75
    assert str(forever.pid) in run.stderr
    monkeypatch.setenv("DESTINATION__WAREHOUSE__LOCK_WAIT_SECONDS", "20")
    brief = reader("1.5")
    served.loke.touch(served.loke.organizations[0], 5)
    assert _child("none", "none", "0") == 0
    brief.communicate()
    assert_true(tables, served)
