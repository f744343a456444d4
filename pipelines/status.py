"""How things stand: freshness, scans, rows against the vendor's, what is held.

Read from the warehouse alone, so that any worker and any analyst is told the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines import project, settings, warehouse
from pipelines.reconcile import Key, compare, counts
from pipelines.states import states, tenants
from sources.errors import Held
from transforms.publish import Warehouse

Row = dict[str, Any]

# How old the newest complete scan of a resource may be: a daily one, and two hours to run.
FRESHNESS_HOURS = 26.0
_SCAN = (
    "vendor", "tenant_id", "resource", "kind", "complete", "started_at", "finished_at",
    "rows_seen", "rows_changed", "rows_removed", "requests", "vendor_total", "watermark",
)  # fmt: skip
_EVER = ("last_full_at", "last_complete_at", "first_at")
_COLUMNS = [f"latest.{name}" for name in _SCAN] + [f"ever.{name}" for name in _EVER]
_SCANS = f"""
select {", ".join(_COLUMNS)}
from (
    select scans.*, row_number() over (
        partition by vendor, tenant_id, resource order by started_at desc
    ) as age
    from ops.scans as scans
) as latest
join (
    select vendor, tenant_id, resource, min(started_at) as first_at,
        max(case when complete and kind = 'full' then started_at end) as last_full_at,
        max(case when complete and kind <> 'backfill' then started_at end) as last_complete_at
    from ops.scans group by vendor, tenant_id, resource
) as ever on ever.vendor = latest.vendor and ever.tenant_id = latest.tenant_id
    and ever.resource = latest.resource
where latest.age = 1
order by latest.vendor, latest.tenant_id, latest.resource
"""
_RUN = ("run_id", "command", "finished_at", "status", "exit_code")
_RUNS = f"select {', '.join(_RUN)} from ops.runs order by run_id desc limit 5"


def status() -> Row:
    """Return how things stand: `runs`, `scans`, `under_way` and `held`, ready for JSON."""
    with warehouse.reading() as connection:
        sql, now = reader(connection), datetime.now(UTC)
        known, runs, scans = states(sql), _runs(sql), _scans(sql, now)
        return {
            "runs": runs,
            "scans": scans,
            "under_way": _under_way(known, scans, now),
            "held": _held(known, runs),
        }


def held(sql: Warehouse, known: Mapping[str, Row]) -> list[Row]:
    """Return what is held, as `status` shows it; `known` are the accounts' states."""
    return _held(known, _runs(sql))


def _runs(sql: Warehouse) -> list[Row]:
    """Return the last runs, none where none has come to its end yet."""
    if "ops.runs" not in sql.tables():
        return []
    return [dict(zip(_RUN, run, strict=True)) for run in sql.run(_RUNS)]


def needs_a_person(found: Row) -> bool:
    """Tell whether anything is held, not fresh, or far from what the vendor counts."""
    stale = any(one["stale"] for one in (*found["scans"], *found["under_way"]))
    differs = any((scan["compared"] or {}).get("differs") for scan in found["scans"])
    return bool(found["held"]) or stale or differs


def reader(connection: Any) -> Warehouse:
    """Return the SQL of a connection as `warehouse.reading` gives it."""
    import duckdb

    if isinstance(connection, duckdb.DuckDBPyConnection):
        return Warehouse(_Reader(connection))
    return Warehouse(connection, connection.capabilities.sqlglot_dialect or "duckdb")


class _Reader:
    """A read-only DuckDB connection with the one method of dlt's client that reading needs."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute_sql(self, sql: str, *args: Any) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = self._connection.execute(sql, list(args)).fetchall()
        return found

    def begin_transaction(self) -> Any:
        raise NotImplementedError("status only reads")


def _scans(sql: Warehouse, now: datetime) -> list[Row]:
    """Return the last scan of every resource, how fresh it is, and our rows against the vendor's.

    `rows` are ours now; `compared` is ours as of the last scan that the vendor's total is of.
    """
    if "ops.scans" not in sql.tables():
        return []
    ours, told, rows = counts(sql), compare(sql), []
    for values in sql.run(_SCANS):
        row: Row = dict(zip((*_SCAN, *_EVER), values, strict=True))
        key: Key = (row["vendor"], row["tenant_id"], row["resource"])
        row["age_seconds"] = round((now - _aware(row["started_at"])).total_seconds())
        row["rows"] = ours.get(key)
        row["compared"] = told.get(key)
        row["stale"] = _is_stale(row, now)
        rows.append(row)
    return rows


def _is_stale(row: Row, now: datetime) -> bool:
    """Tell whether the last complete scan lies further back than its vendor's objective allows.

    A first load under way is as old as its beginning.
    """
    return _is_past(row["vendor"], _aware(row["last_complete_at"] or row["first_at"]), now)


def _is_past(vendor: str, since: datetime, now: datetime) -> bool:
    """Tell whether that is further back than a vendor's objective; one of 0 hours is none."""
    hours = settings.number(f"sources.{vendor}.freshness_hours", FRESHNESS_HOURS)
    return bool(hours) and now - since > timedelta(hours=hours)


def _under_way(known: Mapping[str, Row], scans: Sequence[Row], now: datetime) -> list[Row]:
    """Return the scans that stopped at a checkpoint, and what was landed and never published.

    A first load that was killed is no row of `ops.scans` yet: it is stale by what it landed last.
    """
    told = {(scan["vendor"], scan["tenant_id"], scan["resource"]) for scan in scans}
    found = list[Row]()
    for vendor, resource, tenant, state in tenants(known.values()):
        new = (vendor, tenant, resource) not in told
        place = state.get("checkpoint", {})
        at: str = place.get("at") or state.get("landed_to", "")
        if place or (new and at):
            stale = bool(new and at) and _is_past(vendor, datetime.fromisoformat(at), now)
            where = {"vendor": vendor, "resource": resource, "tenant_id": tenant, "part": None}
            found.append({**where, **place, "at": at, "stale": stale})
    return found


def _held(known: Mapping[str, Row], runs: Sequence[Row]) -> list[Row]:
    """Return what waits for a person: held removals, else a last run that ended held.

    That they are held is in the destination. How many, and the plan with their ids, is known only
    where the run was made, and None elsewhere.
    """
    plans, found = _plans(), list[Row]()
    for vendor, resource, tenant, state in tenants(known.values()):
        if "held" in state:
            unknown = {"scope": "", "alive": None, "missing": None, "plan": None}
            its = plans.get((vendor, tenant, resource)) or [unknown]
            found += [
                {"vendor": vendor, "tenant_id": tenant, "resource": resource, **plan}
                for plan in its
            ]
    if not found and runs and runs[0]["exit_code"] == Held.exit_code:
        found.append({"vendor": None, "run_id": runs[0]["run_id"]})
    return found


def _plans() -> dict[Key, list[Row]]:
    """Return the plans of held removals this machine has, without their ids."""
    found: dict[Key, list[Row]] = {}
    for path in sorted((project.data_dir() / "held").glob("*.json")):
        # A file that was torn by a crash hides a detail, no more.
        with suppress(ValueError):
            for plan in json.loads(path.read_text()):
                key = (plan["vendor"], plan["tenant_id"], plan["resource"])
                facts = {**plan, "missing": len(plan["missing"]), "plan": str(path)}
                found.setdefault(key, []).append(facts)
    return found


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
