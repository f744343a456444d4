"""How things stand: freshness, scans, rows, what is held; read from the warehouse alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines import project, warehouse
from pipelines.land import states, tenants
from transforms.publish import Warehouse

Row = dict[str, Any]

_SCANS = """
select vendor, tenant_id, resource, kind, complete, started_at, finished_at, rows_seen,
    rows_changed, rows_removed, requests, vendor_total, watermark
from (
    select scans.*, row_number() over (
        partition by vendor, tenant_id, resource order by started_at desc
    ) as age
    from ops.scans as scans
) as latest
where age = 1
order by vendor, tenant_id, resource
"""
_COMPLETE = """
select vendor, tenant_id, resource, max(started_at) from ops.scans
where complete and kind = 'full' group by vendor, tenant_id, resource
"""
_RUNS = "select run_id, command, finished_at, status, exit_code from ops.runs order by run_id desc"
_ROWS = {
    ("loke", "customers"): ("customers", "1 = 1"),
    ("loke", "customer_lists"): ("lists", "list_kind = 'customer_list'"),
    ("loke", "customer_list_members"): ("memberships", "list_kind = 'customer_list'"),
}


def status() -> Row:
    """Return how things stand: `runs`, `scans`, `under_way` and `held`, ready for JSON."""
    with warehouse.reading() as connection:
        sql = (
            Warehouse(_Reader(connection)) if hasattr(connection, "sql") else Warehouse(connection)
        )
        if "ops.runs" not in sql.tables():
            return {"runs": [], "scans": [], "under_way": [], "held": held()}
        runs = sql.run(_RUNS + " limit 5")
        names = ("run_id", "command", "finished_at", "status", "exit_code")
        return {
            "runs": [dict(zip(names, run, strict=True)) for run in runs],
            "scans": _scans(sql),
            "under_way": _under_way(sql),
            "held": held(),
        }


def reader(connection: Any) -> Warehouse:
    """Return the SQL of a connection as `warehouse.reading` gives it."""
    return Warehouse(_Reader(connection) if hasattr(connection, "sql") else connection)


class _Reader:
    """A read-only DuckDB connection with the one method of dlt's client that reading needs."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute_sql(self, sql: str, *args: Any) -> Sequence[Sequence[Any]]:
        found: Sequence[Sequence[Any]] = self._connection.execute(sql, list(args)).fetchall()
        return found

    def begin_transaction(self) -> Any:
        raise NotImplementedError("status only reads")


def _scans(sql: Warehouse) -> list[Row]:
    """Return the last scan of every resource, with its age and our own count of rows."""
    names = (
        "vendor",
        "tenant_id",
        "resource",
        "kind",
        "complete",
        "started_at",
        "finished_at",
        "rows_seen",
        "rows_changed",
        "rows_removed",
        "requests",
        "vendor_total",
        "watermark",
    )
    complete = {
        (vendor, tenant, resource): at for vendor, tenant, resource, at in sql.run(_COMPLETE)
    }
    counts = _counts(sql)
    now, rows = datetime.now(UTC), []
    for values in sql.run(_SCANS):
        row = dict(zip(names, values, strict=True))
        key = (row["vendor"], row["tenant_id"], row["resource"])
        row["age_seconds"] = round((now - _aware(row["started_at"])).total_seconds())
        row["last_full_at"] = complete.get(key)
        row["rows"] = counts.get(key, 0 if (key[0], key[2]) in _ROWS else None)
        rows.append(row)
    return rows


def _counts(sql: Warehouse) -> dict[tuple[str, str, str], int]:
    """Return how many rows core has of each vendor's resource and tenant."""
    counts: dict[tuple[str, str, str], int] = {}
    for (vendor, resource), (view, condition) in _ROWS.items():
        rows = sql.run(
            f"select tenant_id, count(*) from core.{view} "
            f"where vendor = '{vendor}' and {condition} group by tenant_id"
        )
        counts.update({(vendor, tenant, resource): count for tenant, count in rows})
    return counts


def _under_way(sql: Warehouse) -> list[Row]:
    """Return the scans that stopped at a checkpoint; the next run goes on there."""
    return [
        {"vendor": vendor, "resource": resource, "tenant_id": tenant, **state["checkpoint"]}
        for vendor, resource, tenant, state in tenants(states(sql).values())
        if "checkpoint" in state
    ]


def held() -> list[Row]:
    """Return the saved plans of removals that were held, without their ids."""
    plans = []
    for path in sorted((project.data_dir() / "held").glob("*.json")):
        plans += [
            {**plan, "missing": len(plan["missing"]), "plan": str(path)}
            for plan in json.loads(path.read_text())
        ]
    return plans


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
