"""The product without dlt's steps between: scans land in memory, and are folded from there.

A run is `pipelines.sync`'s own: accounts, settings, threads, plans, exit codes, publishing. Only
what dlt does (extract, normalize, load, its state) is left out, since it takes half a second a run
and is tested where it matters: the tests marked `whole`, and everything that starts a process.
What fails but is no vendor's failure is raised as it is: such a test has to be `whole`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any

import duckdb
import pyarrow as pa
import pytest

import pipelines.publishing
import pipelines.sync
from pipelines import warehouse
from pipelines.settings import Account
from pipelines.states import tenants
from sources import VENDORS
from sources.job import Job
from sources.known import Log
from tests.conftest import Tables, answer
from transforms.publish import Warehouse


class Light:
    """A destination in memory, and the states dlt would keep in it, by account."""

    def __init__(self) -> None:
        self.db = duckdb.connect(config={"threads": 1})
        self.db.execute("set timezone = 'UTC'")
        self.states: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of dlt in every run of this process."""
        monkeypatch.setattr(pipelines.sync, "land", self.land)
        monkeypatch.setattr(pipelines.publishing, "open_scans", self.open_scans)
        monkeypatch.setattr(warehouse, "writing", self.writing)
        monkeypatch.setattr(warehouse, "sql", self.sql)

    def land(
        self,
        account: Account,
        job: Job,
        destination: Any,
        writer: AbstractContextManager[Any],
        transport: Any,
    ) -> None:
        """Do what `pipelines.land.land` does, as far as anybody can tell."""
        vendor = import_module(VENDORS[account.vendor])
        with job.closing:
            reader = vendor._account(job, transport, account.name, **account.values)  # noqa: SLF001
            reader.log = _Log(self.db.cursor(), f"raw_{account.vendor}")
            job.closing.callback(job.abandon)
            while True:
                self._part(reader, vendor.SHAPES, account.label)
                job.landed.update(one.scan_id for one in job.reports if one.finished_at)
                if not job.unfinished:
                    return

    def _part(self, reader: Any, shapes: Sequence[Any], label: str) -> None:
        """Land a part of every resource, and with it what they note: all of it, or nothing."""
        before = self.states.get(label, {})
        states = json.loads(
            json.dumps({one.resource: before.get(one.resource, {}) for one in shapes})
        )
        items = [
            (one.resource, item)
            for one in shapes
            for item in reader.scan(one, states[one.resource])
        ]
        with self._lock:
            for resource, item in items:
                name = getattr(getattr(item, "meta", None), "table_name", resource)
                self._append(f"raw_{reader.client.vendor}", name, getattr(item, "data", item))
            self.states[label] = states

    def _append(self, schema: str, name: str, rows: pa.Table) -> None:
        self.db.execute(f"create schema if not exists {schema}")
        self.db.execute(f"create table if not exists {schema}.{name} as from rows limit 0")
        self.db.execute(f"insert into {schema}.{name} by name from rows")

    def open_scans(self, _: Warehouse) -> list[str]:
        """Return the scans that are under way."""
        kept = [
            {"sources": {label: {"resources": states}}} for label, states in self.states.items()
        ]
        return [scan for *_, state in tenants(kept) for scan in state.get("open", ())]

    @contextmanager
    def writing(self) -> Iterator[str]:
        """Stand in for the open file."""
        yield "light"

    @contextmanager
    def sql(self, _: Any) -> Iterator[Warehouse]:
        """Yield the destination's SQL."""
        yield Warehouse(_Client(self.db.cursor()))


class _Client:
    """What publishing asks of dlt's client of a destination."""

    def __init__(self, db: duckdb.DuckDBPyConnection) -> None:
        self._db = db

    def execute_sql(self, sql: str, *args: Any) -> Sequence[Sequence[Any]]:
        return self._db.execute(sql.replace("%s", "?"), list(args)).fetchall()

    @contextmanager
    def begin_transaction(self) -> Iterator[None]:
        self._db.begin()
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()


class _Log(Log):
    """The change log, asked in memory."""

    dialect = "duckdb"

    def __init__(self, db: duckdb.DuckDBPyConnection, schema: str) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self._db, self._schema = db, schema

    def _query(self, table: str, query: str, *values: object) -> Iterator[pa.Table]:
        text = query.format(table=f"{self._schema}.{table}").replace("%s", "?")
        try:
            with self._lock:
                found = self._db.execute(text, list(values)).to_arrow_table()
            yield found
        except duckdb.CatalogException:
            return


class LightTables(Tables):
    """The destination in memory as an analyst reads it."""

    def __init__(self, light: Light) -> None:
        self._db = light.db.cursor()

    def answers(self, texts: Sequence[str]) -> list[list[tuple[Any, ...]]]:
        """Return the rows of several queries."""
        return [answer(self._db, text) for text in texts]
