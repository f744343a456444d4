"""`kill -9` at the points that matter, in a process of its own; one more run repairs.

Some of the crash matrix; `make crash` tries all of it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from simulator import KountaSwitches, LokeSwitches, Simulator
from tests.conftest import ROOT, assert_true, configure
from tests.crash.child import POINTS
from tests.crash.matrix import COMMANDS, VENDORS, Processes, World


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Forks of one process that has imported everything."""
    made = Processes(tmp_path_factory.mktemp("crash") / "output")
    yield made
    made.close()


@pytest.fixture(scope="module")
def worlds(processes, tmp_path_factory):
    """Each vendor's world, made when it is first asked for."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        made: dict[str, World] = {}

        def world(vendor: str) -> World:
            if vendor not in made:
                new = World(vendor, tmp_path_factory.mktemp(vendor), processes)
                made[vendor] = stack.enter_context(new.open())
            return made[vendor]

        yield world


# In turns over vendors, commands and moments; `make crash` tries every point of each.
CASES = [
    ("request", "foodics", "sync", "last"),
    ("checkpoint", "loke", "full", "last"),
    ("extract", "kounta", "backfill", "middle"),
    ("load", "collins", "full", "middle"),
    ("statement", "loke", "sync", "middle"),
    ("base", "collins", "full", "last"),
    ("rows", "foodics", "sync", "last"),
    ("commit", "foodics", "rebuild", "last"),
]


@pytest.mark.parametrize(
    ("point", "vendor", "command", "when"),
    # One process of the suite makes each vendor's world.
    [pytest.param(*one, marks=pytest.mark.xdist_group(f"crash-{one[1]}")) for one in CASES],
    ids=["-".join(one) for one in CASES],
)
def test_kill_at_any_step_then_one_run_repairs(worlds, point, vendor, command, when):
    """Invariant 5, cases 42, 43: killed at a step, then run: as if it had never been killed."""
    world = worlds(vendor)
    fatal = world.fatal(command, point)
    assert fatal, "the command never comes to this point"
    world.survives(command, fatal[{"first": 0, "middle": len(fatal) // 2, "last": -1}[when]])


def test_matrix_knows_every_point_and_command():
    """The suite's cases are of the matrix: every vendor, every command, points that exist."""
    assert {case[0] for case in CASES} < set(POINTS)
    page = (ROOT / "docs" / "crash-matrix.md").read_text()
    assert [line.split(":")[0][2:] for line in page.splitlines() if ": " in line[:16]] == [*POINTS]
    assert {case[2] for case in CASES} == set(COMMANDS)
    assert {case[1] for case in CASES} == set(VENDORS)


@pytest.fixture
def served(project, clock, monkeypatch, request):
    """A vendor on a real port, and the environment a child process reaches it by."""
    vendor, switches = getattr(request, "param", ("loke", LokeSwitches(page_size=20)))
    made = Simulator(customers=130, clock=clock, only=[vendor], **{vendor: switches})
    with made.serve():
        configure(made, monkeypatch)
        yield made


@pytest.fixture
def child(processes):
    """Run a command in a process of its own, by default `sync --full`; returns its exit code."""

    def run(*argv: str, **options) -> int:
        return processes.run(list(argv or ("sync", "--full")), dict(os.environ), **options)

    return run


def test_kill_while_a_page_is_read_then_one_run_repairs(served, child, tables):
    """Killed at page 3 of the first sync: nothing was shown, and the rerun is complete."""
    running: list[int] = []
    org = served.loke.organizations[0]
    kill = lambda: os.kill(running[0], signal.SIGKILL)  # noqa: E731
    served.before(rf"{org}/customers\?", 3, kill)
    assert child(started=running.append) == -signal.SIGKILL
    assert tables.customers() == set()
    assert child() == 0
    assert_true(tables, served)


@pytest.mark.parametrize(
    ("served", "moment", "codes"),
    [
        (("kounta", KountaSwitches(page_size=50)), "after", (0, 0)),
        (("kounta", KountaSwitches(page_size=50, old_refresh="lives")), "before", (0, 0)),
        (("kounta", KountaSwitches(page_size=50)), "before", (3, 3)),
    ],
    indirect=["served"],
    ids=["stored", "not-stored-old-lives", "not-stored-old-dies"],
)
def test_kill_around_storing_a_rotated_token(served, child, tables, moment, codes):
    """Case 56: what is stored is used; what never reached the disk locks out, and says so."""
    assert child(fatal=("token", moment, 1)) == -signal.SIGKILL
    assert (child(), child()) == codes
    if codes == (0, 0):
        assert_true(tables, served)


def test_two_runs_at_once_one_works_the_other_ends_75(served, child, tables, processes, tmp_path):
    """Case 50: the second run is told whose turn it is; a killed owner leaves no lock behind."""
    served.fault(r"/organizations$", delay=20.0)
    running: list[int] = []
    ended: list[int] = []
    first = threading.Thread(target=lambda: ended.append(child(started=running.append)))
    first.start()
    while served.count("/organizations$") == 0:
        time.sleep(0.02)
    other = Processes(tmp_path / "output")
    assert other.run(["sync", "--full"], dict(os.environ)) == 75
    os.kill(running[0], signal.SIGKILL)
    first.join()
    assert ended == [-signal.SIGKILL]
    assert other.run(["sync", "--full"], dict(os.environ)) == 0
    other.close()
    assert_true(tables, served)


def test_reader_of_the_file_is_waited_for_and_then_named(served, child, tables, monkeypatch):
    """Case 49: an analyst's open connection costs a wait, or exit 75 with its process id."""
    assert child() == 0
    hold = (
        "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=True); "
        "print('open', flush=True); time.sleep(float(sys.argv[2]))"
    )

    def reader(seconds: str) -> subprocess.Popen[bytes]:
        held = subprocess.Popen(
            [sys.executable, "-c", hold, str(tables.file), seconds], stdout=subprocess.PIPE
        )
        assert held.stdout is not None
        held.stdout.readline()
        return held

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
    assert child() == 0
    brief.communicate()
    assert_true(tables, served)
