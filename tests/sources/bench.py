"""A source on its own: what it logs is kept in memory, and read as `core` would show it.

A sync takes some hundredths of a second here, so that every answer of a vendor can be tried. The
tables of `core` are views over the vendor's own staging SQL; how the product folds them is tested
through the whole pipeline.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from weakref import finalize

import duckdb
import pyarrow as pa

from simulator import Simulator
from sources.account import Account
from sources.errors import Held, SyncError, exit_code_of
from sources.job import Job, PartSize, Window
from sources.known import Log
from sources.records import Shape
from sources.throttle import Timing
from sources.worker import Worker
from tests.conftest import answer
from transforms.model import ENTITIES, Entity, staging

_HISTORY = """
create view core.{history} as
with told as (from ({staged}) where scan_id not in (from open_scans)),
spoken as (select *, row({said}) as says from told),
news as (
    from spoken qualify says is distinct from lag(says) over (partition by {key} order by observed_at)
)
select * exclude (op, observed_at, scan_id, says), observed_at as valid_from, valid_to
from (select *, lead(observed_at) over (partition by {key} order by observed_at) as valid_to from news)
where op = 'upsert';
create view core.{view} as select * exclude (valid_to) from core.{history} where valid_to is null
"""  # noqa: E501  a window is clearest on one line


_LOGS = count(1)


@lru_cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return one engine for all benches: to start one takes longer than a sync."""
    return duckdb.connect(config={"threads": 1})


def _drop(db: duckdb.DuckDBPyConnection, name: str) -> None:
    db.execute(f"use memory; detach {name}")
    db.close()


class Attached(Log):
    """A change log in a database of its own, in a schema of it; detached when nobody needs it."""

    dialect = "duckdb"

    def __init__(self, schema: str = "main") -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.db, name = _engine().cursor(), f"log{next(_LOGS)}"
        self.db.execute(f"attach ':memory:' as {name}; use {name}")
        finalize(self, _drop, self.db, name)
        self.schema, self.tables = schema, set[str]()
        self.db.execute(f"create schema if not exists {schema}")

    def _query(self, table: str, query: str, *values: object) -> Iterator[pa.Table]:
        if table in self.tables:
            text = query.format(table=f"{self.schema}.{table}").replace("%s", "?")
            with self._lock:
                found = self.db.execute(text, list(values)).to_arrow_table()
            yield found

    def land(self, name: str, rows: pa.Table) -> None:
        """Append rows to a table."""
        verb, given = ("insert into", "") if name in self.tables else ("create table", "as")
        with self._lock:
            self.db.execute(f"{verb} {self.schema}.{name} {given} from rows")
        self.tables.add(name)


class MemoryLog(Attached):
    """The change log of one vendor.

    `core` is a view over it, whose history ends one version where the next begins: nothing can
    overlap here, so a bench asserts what `core` says now and no more.
    """

    def __init__(self, vendor: str, shapes: Iterable[Shape]) -> None:
        super().__init__(f"raw_{vendor}")
        self.db.execute("set timezone = 'UTC'; create schema core")
        self.db.execute("create table open_scans (scan_id text)")
        for shape in shapes:
            self.land(shape.resource, shape.schema.empty_table())
        for entity in ENTITIES:
            self._show(vendor, entity)

    def _show(self, vendor: str, entity: Entity) -> None:
        staged = " union all ".join(staging(vendor, entity))
        if staged:
            key, said = ", ".join(entity.key), ", ".join(("op", *entity.columns))
            names = {"history": entity.history, "view": entity.view}
            self.db.execute(_HISTORY.format(staged=staged, key=key, said=said, **names))


class Bench:
    """One account of a vendor, and a project that syncs it; reads like `tests.conftest.Tables`.

    Attributes:
        folder: What outlives a run: credentials, and what its scans saw if `keeps` is set.
        keeps: Whether an interrupted scan is gone on with by the next run.
        worker: Who makes rows for it elsewhere.
        job: The last run.
    """

    vendor: str
    shapes: tuple[Shape, ...]

    def __init__(self, sim: Simulator, folder: Path) -> None:
        self.sim, self.clock, self.folder, self.keeps = sim, sim.clock, folder, False
        every = {each.resource: each for shape in self.shapes for each in _family(shape)}
        self.log, self.state = MemoryLog(self.vendor, every.values()), dict[str, Any]()
        self.job = Job()
        self.worker: Worker | None = None

    def connect(self, job: Job, **settings: Any) -> Account:
        """Return the account, set as `settings` say and otherwise as is usual."""
        raise NotImplementedError

    def sync(
        self,
        *,
        full: bool = False,
        allow_mass_delete: bool = False,
        window: Window | None = None,
        pages: int = 200,
        **settings: Any,
    ) -> int:
        """Read once, in parts of so many pages; return the exit code."""
        self.sim.reset_counters()
        self.job = job = Job(
            full=full,
            allow_mass_delete=allow_mass_delete,
            backfill=window,
            by_parts=True,
            part=PartSize(pages=pages),
            timing=Timing(self.clock.now, lambda seconds: self._sleep(account, seconds)),
            worker=self.worker,
            scratch_dir=self.folder / "scans" if self.keeps else None,
            vault_dir=self.folder / "credentials",
            log=logging.getLogger(f"regulars.{self.vendor}"),
        )
        # What the run before has learned of the log is not known to this one.
        self.log._observed.clear()  # noqa: SLF001
        account = self.connect(job, **settings)
        account.log = self.log
        try:
            with job.closing:
                job.closing.callback(job.abandon)
                self._read(account)
                while job.unfinished:
                    self._read(account)
        except SyncError as error:
            job.errors.append(error)
        return exit_code_of([*job.errors, *(Held("") for _ in job.held)])

    def _sleep(self, account: Account, seconds: float) -> None:
        """Let time pass when every request that is out has been answered, as real sleep would."""
        patience = time.monotonic() + 1.0  # who signs a request may sleep while it is out
        while account.client.limiter._in_flight and time.monotonic() < patience:  # noqa: SLF001
            time.sleep(0.0005)
        self.clock.sleep(seconds)

    def _read(self, account: Account) -> None:
        """Read a part of each resource; what it yields and what it notes are landed together."""
        for shape in self.shapes:
            state = json.loads(json.dumps(self.state.get(shape.resource, {})))
            for item in list(account.scan(shape, state)):
                name = getattr(getattr(item, "meta", None), "table_name", shape.resource)
                self.log.land(name, getattr(item, "data", item))
            self.state[shape.resource] = state
        tenants = [
            each for held in self.state.values() for each in held.get("tenants", {}).values()
        ]
        under_way = [(scan,) for tenant in tenants for scan in tenant.get("open", ())]
        self.log.db.execute("delete from open_scans")
        if under_way:
            self.log.db.executemany("insert into open_scans values (?)", under_way)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        """Return a query's rows; none where the vendor has no such table."""
        return answer(self.log.db, text)

    def answers(self, texts: Sequence[str]) -> list[list[tuple[Any, ...]]]:
        """Return the rows of several queries."""
        return [self.rows(text) for text in texts]

    def one(self, text: str) -> Any:
        """Return a query's only value."""
        return self.rows(text)[0][0]

    def customers(self) -> set[tuple[str, ...]]:
        """(tenant, id) of every customer there is now."""
        return set(self.rows("select tenant_id, customer_id from core.customers"))

    def members(self) -> set[tuple[str, ...]]:
        """(tenant, list, customer) of every membership there is now."""
        return set(self.rows("select tenant_id, list_id, customer_id from core.memberships"))

    def ops(self, resource: str = "customers") -> list[tuple[str, ...]]:
        """(op, id) of every row of a log, oldest first."""
        table = f"raw_{self.vendor}.{resource}"
        return self.rows(f"select _op, id from {table} order by _observed_at, id")

    def removed(self) -> list[str]:
        """Return every customer that a row of the log calls deleted, oldest first."""
        return [key for op, key in self.ops() if op == "delete"]

    def snapshot(self) -> Any:
        """Everything that is landed, and the state beside it."""
        tables = self.rows(
            "select table_name from duckdb_tables() "
            f"where database_name = current_database() and schema_name = 'raw_{self.vendor}'"
        )
        landed = {
            name: sorted(self.rows(f"from raw_{self.vendor}.{name}"), key=repr)
            for (name,) in tables
        }
        return landed, self.state


def _family(shape: Shape) -> Iterator[Shape]:
    """Yield a resource's declaration, those of its children and of the lists they name."""
    yield shape
    for child in shape.children:
        yield child.shape
        if child.lists:
            yield child.lists
