"""The crash matrix: killed at a point, then run once more, against the run that was never killed.

`python -m tests.crash.matrix` (`make crash`) tries every point, at its first, middle and last
time, in every command and for every vendor, and writes `docs/crash-matrix.md`. The suite takes
some of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator import (
    CollinsSwitches,
    FoodicsSwitches,
    KountaSwitches,
    LokeSwitches,
    Simulator,
    VirtualClock,
)
from simulator.accounts import settings_for
from tests.conftest import NOON, ROOT, Tables, assert_true
from tests.contract.worlds import WORLDS
from tests.crash.child import POINTS

VENDORS = ("loke", "collins", "kounta", "foodics")
COMMANDS = {
    "sync": ["sync"],
    "full": ["sync", "--full"],
    "backfill": ["backfill", "{vendor}", "--from", "2026-01-01"],
    "rebuild": ["transform", "--rebuild"],
}
# When things were seen, and by which run, is each run's own.
_OURS = {"first_seen_at", "changed_at", "valid_from", "valid_to"}
Fatal = tuple[str, str, int]


class Processes:
    """Runs commands of the product in processes of their own."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.child"], cwd=ROOT, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(
        self,
        argv: list[str],
        env: dict[str, str],
        fatal: Fatal | None = None,
        *,
        calls: Path | None = None,
        now: datetime | None = None,
        started: Callable[[int], object] = lambda _: None,
    ) -> int:
        """Return the exit code, negative for a signal; `started` is told the process id.

        `now` is what its clock shows, unless it is to be the machine's.
        """
        order: dict[str, Any] = {"argv": argv, "env": env, "output": str(self.output)}
        if fatal:
            order |= dict(zip(("point", "moment", "nth"), fatal, strict=True))
        if now:
            order["now"] = now.isoformat()
        if calls:
            order["calls"] = str(calls)
        assert self._forks.stdin is not None
        assert self._forks.stdout is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        started(int(self._forks.stdout.readline()))
        return int(self._forks.stdout.readline())

    def close(self) -> None:
        """End the process that forks."""
        self._forks.communicate()


@dataclass
class Case:
    """A project that is to be killed: a copy of one that was synced, whose vendor went on."""

    folder: Path
    env: dict[str, str]

    @property
    def tables(self) -> Tables:
        """Its warehouse."""
        return Tables(self.folder / "warehouse.duckdb")

    def copy(self, to: Path) -> Case:
        """Return the same project in another folder."""
        shutil.copytree(self.folder, to)
        places = {"DLT_PROJECT_DIR": str(to), "DLT_DATA_DIR": str(to / "data")}
        return Case(to, {**self.env, **places})


class World:
    """One vendor, served; a project that was synced, and changes at the vendor since."""

    def __init__(self, vendor: str, folder: Path, processes: Processes) -> None:
        self.vendor, self.folder, self.processes = vendor, folder, processes
        self.sim = Simulator(
            customers=60, clock=VirtualClock(NOON), only=[vendor],
            loke=LokeSwitches(page_size=10, members_page_size=5),
            collins=CollinsSwitches(), foodics=FoodicsSwitches(page_size=10),
            # Copies of one project each refresh by themselves.
            kounta=KountaSwitches(page_size=10, old_refresh="lives"),
        )  # fmt: skip
        self._expected: dict[str, Any] = {}
        self._calls: dict[str, dict[str, int]] = {}
        self._made = 0

    @contextmanager
    def open(self) -> Iterator[World]:
        """Serve the vendor, sync once, let a day pass at the vendor."""
        with self.sim.serve():
            self.base = Case(self.folder / "base", self._env(self.folder / "base"))
            (self.base.folder / ".dlt").mkdir(parents=True)
            shutil.copy(ROOT / ".dlt" / "config.toml", self.base.folder / ".dlt" / "config.toml")
            assert self.processes.run(["sync"], self.base.env) == 0
            WORLDS[self.vendor](self.sim).shake()
            yield self

    def _env(self, folder: Path) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SOURCES__", "DESTINATION__", "RUNS__", "DLT_"))
        }
        return {
            **kept,
            **settings_for(self.sim),
            "DLT_PROJECT_DIR": str(folder),
            "DLT_DATA_DIR": str(folder / "data"),
            "RUNS__CHECKPOINT_PAGES": "2",
            "DESTINATION__WAREHOUSE__LOCK_WAIT_SECONDS": "0",
            "SOURCES__KOUNTA__DETAIL_MAX_AGE_DAYS": "3650",
        }

    def argv(self, command: str) -> list[str]:
        """Return the arguments of a command."""
        return [word.format(vendor=self.vendor) for word in COMMANDS[command]]

    def _fresh(self) -> Case:
        self._made += 1
        return self.base.copy(self.folder / f"case-{self._made}")

    def uncrashed(self, command: str) -> tuple[dict[str, Any], dict[str, int]]:
        """Return what stands after the command and one sync, and how often each point came."""
        if command not in self._expected:
            case, calls = self._fresh(), self.folder / "calls.json"
            code = self.processes.run(self.argv(command), case.env, calls=calls)
            assert code == 0, self.processes.output.read_text()[-2000:]
            self._calls[command] = json.loads(calls.read_text())
            assert self.processes.run(["sync", "--full"], case.env) == 0
            self._expected[command] = versions(case.tables)
            shutil.rmtree(case.folder)
        return self._expected[command], self._calls[command]

    def fatal(self, command: str, point: str) -> list[Fatal]:
        """Return the first, the middle and the last time a command comes to a point."""
        often = self.uncrashed(command)[1].get(point, 0)
        times = sorted({1, (often + 1) // 2, often} - {0}) if often else []
        return [(point, moment, nth) for nth in times for moment in ("before", "after")]

    def survives(self, command: str, fatal: Fatal) -> None:
        """Kill the command there; assert that one more run repairs everything."""
        expected, _ = self.uncrashed(command)
        case = self._fresh()
        assert self.processes.run(self.argv(command), case.env, fatal) == -signal.SIGKILL, fatal
        assert self.processes.run(["sync", "--full"], case.env) == 0
        assert_true(case.tables, self.sim)
        assert versions(case.tables) == expected
        shutil.rmtree(case.folder)


def versions(tables: Tables) -> dict[str, Any]:
    """Return the content of every version there was, in order, and whether it holds."""
    found: dict[str, Any] = {}
    for name in ("customer", "list", "membership", "customer_address"):
        table = f"{name}_history"
        columns = tables.rows(
            "select column_name from information_schema.columns where table_schema = 'core' "
            f"and table_name = '{table}' order by ordinal_position"
        )
        kept = ", ".join(column for (column,) in columns if column not in _OURS)
        found[table] = tables.rows(
            f"select {kept}, valid_to is null, row_number() over (partition by {kept} "
            f"order by valid_from) as turn from core.{table} order by all"
        )
    return found


def main() -> int:
    """Try everything, write the page; returns how many cases failed."""
    failed, rows = 0, []
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder) / "output")
        for vendor in VENDORS:
            with World(vendor, Path(folder) / vendor, processes).open() as world:
                for command in COMMANDS:
                    for point in POINTS:
                        cases = world.fatal(command, point)
                        bad = [one for one in cases if not _tried(world, command, one)]
                        failed += len(bad)
                        rows.append((vendor, command, point, len(cases), bad))
                        sys.stdout.write(" ".join(map(str, rows[-1])) + "\n")
                        sys.stdout.flush()
        processes.close()
    (ROOT / "docs" / "crash-matrix.md").write_text(_page(rows))
    return failed


def _tried(world: World, command: str, fatal: Fatal) -> bool:
    try:
        world.survives(command, fatal)
    except AssertionError as error:
        sys.stderr.write(f"{fatal} {error}\n")
        return False
    return True


def _page(rows: list[tuple[str, str, str, int, list[Fatal]]]) -> str:
    """Return the page: points down, commands and vendors across, cases that were repaired."""
    total = sum(row[3] for row in rows)
    bad = sum(len(row[4]) for row in rows)
    lines = [
        "# Crash matrix",
        "",
        "`make crash` kills a real process with `kill -9` before and after each of these points, "
        "at the first, the middle and the last time a command comes to it; runs `sync --full` "
        "once; and compares `core` with the vendor's truth, field by field, and every version in "
        "the histories with those of a run that was never killed.",
        "",
        f"{total} crashes, {total - bad} repaired by one run, {bad} not. A cell counts the "
        "crashes over all four vendors; an empty one is a point that command never comes to.",
        "",
        "| point | "
        + " | ".join(f"`{' '.join(argv)}`".format(vendor="VENDOR") for argv in COMMANDS.values())
        + " |",
        "|---|" + "---:|" * len(COMMANDS),
    ]
    for point, doc in POINTS.items():
        cells = []
        for command in COMMANDS:
            mine = [row for row in rows if row[1:3] == (command, point)]
            tried, lost = sum(row[3] for row in mine), sum(len(row[4]) for row in mine)
            cells.append(f"{tried - lost} of {tried}" if lost else str(tried or ""))
        lines.append(f"| {point}: {doc} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
