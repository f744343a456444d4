"""Who takes part: the limit, `regulars` itself, and the peers, each a process tree of its own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Run, measure
from benchmarks.vendors import ROOT, Account, Vendors

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = ROOT / ".bench"
_OURS = "regulars"


@dataclass(frozen=True)
class Contestant:
    """One that reads an account into a DuckDB file.

    `table` is where customers are afterwards, `key` their id; empty where nothing is kept.
    `needs` are the environments of `make bench-peers` it runs in, the last of them has DuckDB.
    """

    name: str
    command: tuple[str, ...]
    table: str = "raw.customers"
    key: str = "id"
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The environments that are not installed."""
        return [name for name in self.needs if not interpreter(name).exists()]

    @property
    def looks_with(self) -> str:
        """The interpreter that can read the file."""
        return str(interpreter(self.needs[-1])) if self.needs else sys.executable


def interpreter(environment: str) -> Path:
    """Return the interpreter of a peer's environment."""
    return ENVIRONMENTS / environment / "bin" / "python"


def _limit(name: str, what: str, table: str = "") -> Contestant:
    return Contestant(name, (sys.executable, "-m", "benchmarks.limits", what), table)


def _peer(
    name: str, script: str, *arguments: str, at: str, table: str = "raw.customers"
) -> Contestant:
    command = (str(interpreter(at)), str(PEERS / script), *arguments)
    return Contestant(name, command, table, needs=(at,))


FETCH = _limit("limit: fetch", "fetch")
INSERT = _limit("limit: fetch and insert", "insert", "customers")
MEMBERS = _limit("limit: fetch members", "members")
REGULARS = Contestant(
    _OURS, (sys.executable, "-m", "pipelines.cli", "sync"), "core.customers", "customer_id"
)
MERGE = _peer("dlt parquet, merge", "dlt_rest_api.py", "parquet", "increments", at="dlt")


def for_first_load(vendor: str) -> list[Contestant]:
    """Return everybody who can read a vendor's customers from nothing."""
    singer = (sys.executable, str(PEERS / "singer.py"))
    folders = (str(ENVIRONMENTS / "tap"), str(ENVIRONMENTS / "target"))
    return [
        FETCH,
        INSERT,
        REGULARS,
        _peer("httpx + pandas", f"{vendor}_script.py", at="pandas", table="customers"),
        _peer("dlt parquet", "dlt_rest_api.py", "parquet", at="dlt"),
        _peer("dlt default", "dlt_rest_api.py", "default", at="dlt"),
        _peer("PyAirbyte", "pyairbyte.py", at="airbyte"),
        Contestant("Singer", (*singer, *folders), needs=("tap", "target")),
    ]


def present(found: Sequence[Contestant], only: Sequence[str]) -> tuple[list[Contestant], list[str]]:
    """Return those who take part, and a line for each who cannot."""
    wanted = [one for one in found if not only or any(word in one.name for word in only)]
    lines = [
        f"{one.name} is left out: {', '.join(one.missing)} not installed (make bench-peers)"
        for one in wanted
        if one.missing
    ]
    return [one for one in wanted if not one.missing], lines


class Project:
    """A folder in which contestants work, and the environment they see."""

    def __init__(self, folder: Path, vendors: Vendors, names: Sequence[str]) -> None:
        self.folder, self.names = folder, list(names)
        self.vendors = vendors
        self.fresh()

    def fresh(self) -> None:
        """Empty the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / ".dlt").mkdir(parents=True)
        shutil.copy(ROOT / ".dlt" / "config.toml", self.folder / ".dlt")

    def account(self, vendor: str) -> Account:
        """Return an account as it was when the bench began."""
        return self.vendors.accounts[vendor]

    def file(self, contestant: Contestant) -> Path:
        """Return where a contestant keeps what it brings."""
        return self.folder / ("warehouse.duckdb" if contestant == REGULARS else "peer.duckdb")

    def size(self, contestant: Contestant) -> float:
        """Return how large that file is, in MB."""
        return self.file(contestant).stat().st_size / (1 << 20)

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment: the accounts, no cap of our own, nobody told of the run."""
        kept = ("SOURCES__", "DESTINATION__", "RUNS__", "DLT_", "BENCH_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
        vendor = self.names[0]
        prefixes = tuple(f"SOURCES__{name.upper()}__" for name in self.names)
        accounts = self.vendors.settings.items()
        return {
            **env,
            **{name: value for name, value in accounts if name.startswith(prefixes)},
            "PYTHONPATH": str(ROOT),
            "DLT_PROJECT_DIR": str(self.folder),
            "DLT_DATA_DIR": str(self.folder / "data"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "AIRBYTE_PROJECT_DIR": str(self.folder),
            "AIRBYTE_OFFLINE_MODE": "1",
            "DO_NOT_TRACK": "1",
            "BENCH_VENDOR": vendor,
            "BENCH_TENANT": self.account(vendor).tenant,
            "BENCH_FILE": str(self.folder / "peer.duckdb"),
            **more,
        }

    def run(self, contestant: Contestant, *arguments: str, **more: str) -> Run:
        """Run a contestant to its end."""
        return measure([*contestant.command, *arguments], self.env(**more), self.folder)
