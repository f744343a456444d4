"""The publish transaction: log → history, checked, together with the run's own rows.

`core` is a function of `raw` and nothing else. What is folded already is counted scan by scan in
`ops.published`; whatever differs from that, be it new, drained late or restored, is folded now.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

import sqlglot

from transforms.fold import among, narrowed
from transforms.histories import Fold
from transforms.model import ENTITIES, HERE, Entity, columns, fingerprint, sql, staging, vendors
from transforms.portions import MOST_LOOKS, WITHOUT_WINDOWS, portions

log = logging.getLogger("regulars.publish")
_VERSION = "*"
# Rows in one statement.
_AT_ONCE = 20
# What a check asks of its rows, and of which entity; and the changed keys these are rows of.
_ASKED = re.compile(r"\{(changed|rewritten)_(\w+)\}")
_WHICH = {"changed": "1 = 1", "rewritten": "times > 1"}


class Connection(Protocol):
    """What is needed of the destination: dlt's SQL client has it."""

    def execute_sql(self, sql: str, *args: Any) -> Sequence[Sequence[Any]] | None:
        """Run one statement and return its rows, if it has any."""
        ...

    def begin_transaction(self) -> AbstractContextManager[Any]:
        """Open a transaction: committed at the end of the block, rolled back by an exception."""
        ...


class CheckFailedError(Exception):
    """A failing check found rows; nothing was published."""


@dataclass
class Warehouse:
    """The destination's SQL, written once in DuckDB's dialect and spoken in its own."""

    connection: Connection
    dialect: str = "duckdb"

    def run(self, text: str) -> list[Sequence[Any]]:
        """Run one statement; return its rows, none if it returns none."""
        if self.dialect != "duckdb":
            text = sqlglot.transpile(text, read="duckdb", write=self.dialect)[0]
        return list(self.connection.execute_sql(text) or ())

    def insert(self, table: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Insert rows into `ops.<table>` by the columns its SQL file declares, some at a time."""
        names = [column.name for column in columns(f"ops/{table}")]
        marks = f"({', '.join(['%s'] * len(names))})"
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            text = f"insert into ops.{table} ({', '.join(names)}) values "
            values = [row[name] for row in some for name in names]
            self.connection.execute_sql(text + ", ".join([marks] * len(some)), *values)

    def tables(self) -> set[str]:
        """Return every table and view as `schema.name`."""
        rows = self.run("select table_schema, table_name from information_schema.tables")
        return {f"{schema}.{name}" for schema, name in rows}


@dataclass(frozen=True)
class RunRow:
    """A row of `ops.runs`."""

    run_id: str
    command: str
    started_at: datetime
    finished_at: datetime
    status: str
    exit_code: int


@dataclass
class Published:
    """What a publish did: versions written by entity, and the warnings of the checks."""

    keys: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    rebuilt: bool = False


def record_run(warehouse: Warehouse, run: RunRow, scans: Sequence[Mapping[str, object]]) -> None:
    """Write a run's own rows in one transaction, publishing nothing."""
    with warehouse.connection.begin_transaction():
        ensure(warehouse)
        warehouse.insert("runs", [asdict(run)])
        warehouse.insert("scans", scans)


def publish(
    warehouse: Warehouse,
    *,
    open_scans: Sequence[str] = (),
    rebuild: bool = False,
    run: RunRow | None = None,
    scans: Sequence[Mapping[str, object]] = (),
) -> Published:
    """Fold what the log holds and core does not, and make all of it visible at once.

    Args:
        warehouse: The destination.
        open_scans: Scans still under way; their rows are not shown until they are complete.
        rebuild: Fold everything anew.
        run: The run's row, written in the same transaction.
        scans: Rows of `ops.scans`, likewise.

    Raises:
        CheckFailedError: A failing check found rows. Everything is as it was.
    """
    done = Published()
    with warehouse.connection.begin_transaction():
        existing = warehouse.tables()
        ensure(warehouse)
        done.rebuilt = _start_over(warehouse, rebuild=rebuild)
        _show(warehouse, existing, renew=done.rebuilt)
        for vendor in vendors():
            _fold(warehouse, vendor, existing, open_scans, done)
        if run is not None:
            warehouse.insert("runs", [asdict(run)])
            warehouse.insert("scans", scans)
    return done


def _fold(
    warehouse: Warehouse,
    vendor: str,
    existing: set[str],
    open_scans: Sequence[str],
    done: Published,
) -> None:
    """Fold what one vendor's logs hold, and check it.

    Keys of two vendors never meet, and a statement over all logs takes memory for each of them.
    """
    folded = dict[str, bool]()
    for entity in ENTITIES:
        queries = queries_for(vendor, entity, existing)
        held = log_rows(warehouse, queries, open_scans) if queries else {}
        news = find_news(warehouse, entity, held)
        if news:
            fold = Fold(warehouse.run, warehouse.dialect, entity, queries, news, open_scans)
            keys, folded[entity.view] = fold.write(all_new=news == held)
            done.keys[entity.view] = done.keys.get(entity.view, 0) + keys
    _check(warehouse, vendor, folded, done)
    for view in folded:
        for table in ("news", "changed", "part"):
            warehouse.run(f"drop table if exists {table}_{view}")


def ensure(warehouse: Warehouse) -> None:
    """Create the schemas and the tables of `ops` that are not there yet."""
    for schema in ("core", "ops"):
        warehouse.run(f"create schema if not exists {schema}")
    for name in ("runs", "scans", "published"):
        warehouse.run(sql(f"ops/{name}"))


def _start_over(warehouse: Warehouse, *, rebuild: bool) -> bool:
    """Drop what another version of the SQL made, or everything if asked; tell whether it did."""
    rows = warehouse.run(f"select scan_id from ops.published where entity = '{_VERSION}'")
    known = rows[0][0] if rows else None
    anew = rebuild or known != fingerprint()
    if anew:
        for entity in ENTITIES:
            warehouse.run(f"drop view if exists core.{entity.view}")
            warehouse.run(f"drop table if exists core.{entity.history}")
        warehouse.run("delete from ops.published")
        text = f"insert into ops.published values ('{_VERSION}', '{fingerprint()}', 0)"
        warehouse.run(text)
    for entity in ENTITIES:
        warehouse.run(sql(f"core/{entity.history}"))
    return anew and (rebuild or known is not None)


def queries_for(vendor: str, entity: Entity, existing: set[str]) -> list[str]:
    """Return the staging queries of a vendor whose log exists."""
    return [query for query in staging(vendor, entity) if _source(query) in existing]


def _source(query: str) -> str:
    """Return the table a staging query reads, `raw_<vendor>.<resource>`."""
    return query.rsplit("from ", 1)[1].split(maxsplit=1)[0]


def log_rows(
    warehouse: Warehouse, queries: Sequence[str], open_scans: Sequence[str]
) -> dict[str, int]:
    """Return the scans whose rows may be shown, with how many the log holds of each."""
    # Without a condition, which would be asked of every row, this takes a tenth of the time.
    scans = narrowed(queries, "scan_id")
    query = f"select scan_id, count(*) from {scans} as entry group by scan_id"
    return {scan: count for scan, count in warehouse.run(query) if scan not in open_scans}


def find_news(warehouse: Warehouse, entity: Entity, held: Mapping[str, int]) -> dict[str, int]:
    """Return those scans whose rows in the log are not the rows that are folded."""
    query = f"select scan_id, log_rows from ops.published where entity = '{entity.view}'"
    known: dict[str, int] = dict(map(tuple, warehouse.run(query))) if held else {}
    return {scan: count for scan, count in held.items() if known.get(scan) != count}


def conditions(entity: Entity, vendor: str, some: str | None) -> dict[str, str]:
    """Return what a check may ask of a row: `changed_` by this publish, `rewritten_` by it.

    Rewritten are keys the log holds more than one row of: only they can have several versions.
    `some` limits both to a portion of what changed. None is for all there is of the vendor, of
    which nothing was rewritten: to look keys up would take memory for each.
    """
    view, table = entity.view, f"changed_{entity.view}"
    changed, rewritten = f"{view}.vendor = '{vendor}'", "1 = 0"
    if some is not None:
        changed = among(entity, table, some)
        rewritten = among(entity, table, f"times > 1 and {some}")
    return {f"changed_{view}": changed, f"rewritten_{view}": rewritten}


def _show(warehouse: Warehouse, existing: set[str], *, renew: bool) -> None:
    """Create the views: what is true now, and every vendor's rejects."""
    for entity in ENTITIES:
        if renew or f"core.{entity.view}" not in existing:
            warehouse.run(sql(f"core/{entity.view}"))
    logs = sorted(name for name in existing if name.endswith(".rejects") and name[:4] == "raw_")
    if logs or "ops.rejects" not in existing:
        warehouse.run(rejects_view(logs))


def rejects_view(logs: Sequence[str]) -> str:
    """Return the statement that shows every vendor's rejects as `ops.rejects`."""
    names = ("run_id", "vendor", "tenant_id", "resource", "record_id", "field", "reason", "value")
    none = ", ".join(f"cast(null as text) as {name}" for name in names)
    parts = [f"select {none} where 1 = 0"]
    parts += [f"select {', '.join(names)} from {log_table}" for log_table in logs]
    return "create or replace view ops.rejects as " + " union all ".join(parts)


def _check(warehouse: Warehouse, vendor: str, folded: Mapping[str, bool], done: Published) -> None:
    """Run the checks over what changed; warnings are kept, a failure ends the transaction."""
    for path in sorted((HERE / "checks").glob("*.sql")):
        text = sql(f"checks/{path.stem}")
        which, view = _ASKED.findall(text)[0]
        if view not in folded:
            continue
        entity = next(one for one in ENTITIES if one.view == view)
        kind, sentence = text.splitlines()[0].removeprefix("-- ").split(": ", 1)
        parts = _portions(warehouse, entity, vendor, which, whole=folded[view])
        queries = [text.format(**part) for part in parts]
        counts = [warehouse.run(f"select count(*) from ({one}) as offenders") for one in queries]
        count = sum(int(rows[0][0]) for rows in counts)
        if count and kind == "fail":
            raise CheckFailedError(f"{path.stem}: {sentence} ({count} rows)")
        if count:
            done.warnings.append(f"{path.stem}: {sentence} ({count} rows)")
            log.warning("check %s: %s (%d rows)", path.stem, sentence, count)


def _portions(
    warehouse: Warehouse, entity: Entity, vendor: str, which: str, *, whole: bool
) -> list[dict[str, str]]:
    """Return the conditions of a check, for a portion of what changed at a time.

    Of rows that need not be sorted all are asked where more changed than a portion holds, which is
    one look.
    """
    if whole:
        return [conditions(entity, vendor, None)]
    changed = f"changed_{entity.view}"
    parts = portions(warehouse.run, changed, _WHICH[which], WITHOUT_WINDOWS, MOST_LOOKS)
    if which == "changed" and len(parts) > 1:
        return [conditions(entity, vendor, None)]
    return [conditions(entity, vendor, some) for some in parts]
