"""First load, quiet run and small change, beside the limit and the peers.

`python -m benchmarks.run [--customers N] [--rounds R] [--only limit,regulars]`

The vendor is pretended in a process of its own, its pages ready before the first request. Rounds
alternate; medians and ratios to the limit are printed and written to `docs/benchmarks/latest.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

ROOT = Path(__file__).resolve().parents[1]
_SERVER = """
import sys
from simulator import Simulator
from simulator.server import serve
many = {"organizations": 1, "lists": 20, "members_per_list": 1000}
sim = Simulator(customers=int(sys.argv[1]), only=["loke"], **many)
sim.loke.switches.members_page_size = 1000
serve(sim, 0, lambda port: print(port, flush=True))
"""


@dataclass(frozen=True)
class Run:
    """One process, measured from outside."""

    wall: float
    cpu: float
    peak_mb: float
    output: str


@contextmanager
def vendor(customers: int) -> Iterator[str]:
    """Yield the address of a pretended vendor in another process."""
    child = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(customers)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert child.stdout is not None  # noqa: S101  it is a pipe
        base = f"http://127.0.0.1:{child.stdout.readline().strip()}/_control"
        httpx.post(f"{base}/render", timeout=600).raise_for_status()
        yield base
    finally:
        child.kill()
        child.communicate()


def measure(command: list[str], env: dict[str, str]) -> Run:
    """Run a process to its end; it must succeed."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(command, env=env, stdout=output, stderr=output, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended {child.returncode}:\n{text[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


class Bench:
    """One bench: an address, a folder for what is written, and what was measured."""

    def __init__(self, base: str, customers: int) -> None:
        self.base, self.customers = base, customers
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        told = httpx.get(f"{base}/describe", timeout=60).json()["loke"]
        self.organization = next(iter(told["organizations"]))
        names = ("base_url", "token_url", "client_id", "client_secret")
        self.env = dict(os.environ) | {f"SOURCES__LOKE__{n.upper()}": told[n] for n in names}
        self.runs: dict[str, list[Run]] = {}

    def fresh(self) -> None:
        """Start from an empty project."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / ".dlt").mkdir(parents=True)
        shutil.copy(ROOT / ".dlt" / "config.toml", self.folder / ".dlt")
        self.env |= {
            "DLT_PROJECT_DIR": str(self.folder),
            "DLT_DATA_DIR": str(self.folder / "data"),
            "BENCH_FILE": str(self.folder / "peer.duckdb"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }

    def note(self, name: str, run: Run) -> None:
        """Keep a run under a name."""
        self.runs.setdefault(name, []).append(run)
        print(f"  {name:22} {run.wall:7.2f} s  {run.peak_mb:6.0f} MB", flush=True)

    def first_load(self, name: str) -> None:
        """Load everything into a fresh file; the count must be right, or it is no time."""
        self.fresh()
        if name == "regulars":
            self.note(name, measure([sys.executable, "-m", "pipelines.cli", "sync"], self.env))
            brought = self._count()
        else:
            command = [sys.executable, "-m", "benchmarks.contestants", name]
            self.note(name, measure(command, self.env))
            brought = int(self.runs[name][-1].output.split()[-1])
        if brought != self.customers:
            raise SystemExit(f"{name} brought {brought} of {self.customers}")

    def _count(self) -> int:
        with duckdb.connect(str(self.folder / "warehouse.duckdb"), read_only=True) as db:
            row = db.execute("select count(*) from core.customers").fetchone()
        return int(row[0]) if row else 0

    def increment(self, name: str, changed: int) -> dict[str, int]:
        """Change so many customers, sync, and return the requests by kind."""
        if changed:
            path = f"{self.base}/loke/organizations/{self.organization}/customers/touch"
            httpx.post(path, json={"count": changed}, timeout=600).raise_for_status()
        httpx.post(f"{self.base}/requests/reset", timeout=60).raise_for_status()
        self.note(name, measure([sys.executable, "-m", "pipelines.cli", "sync"], self.env))
        kinds: dict[str, int] = httpx.get(f"{self.base}/requests", timeout=60).json()
        return kinds

    def table(self) -> dict[str, Any]:
        """Return medians and ratios to the limit's median."""
        found: dict[str, Any] = {}
        limit = (
            statistics.median(r.wall for r in self.runs.get("limit", []))
            if ("limit" in self.runs)
            else None
        )
        for name, runs in self.runs.items():
            wall = statistics.median(run.wall for run in runs)
            found[name] = {
                "wall_s": round(wall, 2),
                "to_limit": round(wall / limit, 1) if limit else None,
                "cpu_s": round(statistics.median(run.cpu for run in runs), 2),
                "peak_mb": round(max(run.peak_mb for run in runs)),
                "runs": [{**asdict(run), "output": ""} for run in runs],
            }
        return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="limit,regulars,script,dlt")
    options = parser.parse_args()
    with vendor(options.customers) as base:
        bench = Bench(base, options.customers)
        try:
            for number in range(options.rounds):
                print(f"round {number + 1}", flush=True)
                names = options.only.split(",")
                for name in sorted(names, key=lambda name: name == "regulars"):
                    bench.first_load(name)
                if "regulars" in names:
                    quiet = bench.increment("regulars, quiet", 0)
                    some = bench.increment("regulars, 1 % changed", options.customers // 100)
            bench.note("python -c pass", measure([sys.executable, "-c", "pass"], bench.env))
            found = bench.table()
        finally:
            shutil.rmtree(bench.folder, ignore_errors=True)
    if "regulars" in bench.runs:
        found["requests"] = {"quiet": quiet, "1 % changed": some}
    print(f"\n{options.customers} customers, medians of {options.rounds}")
    print(f"{'':24}{'wall s':>8}{'limit x':>8}{'cpu s':>8}{'peak MB':>9}")
    for name, row in found.items():
        if "wall_s" in row:
            ratio = row["to_limit"] if row["to_limit"] is not None else ""
            print(f"{name:24}{row['wall_s']:8}{ratio:>8}{row['cpu_s']:8}{row['peak_mb']:9}")
    target = ROOT / "docs" / "benchmarks"
    target.mkdir(exist_ok=True)
    found["customers"] = options.customers
    (target / "latest.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
