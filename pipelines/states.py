"""What the destination says of every account: the state its last complete load brought.

Apart from landing, whose libraries take a tenth of a second to import: `status` asks only this.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlt.common.versioned_state import decompress_state

from transforms.publish import Warehouse


def states(sql: Warehouse) -> dict[str, dict[str, Any]]:
    """Return the state of every account's pipeline, as the destination has it."""
    found: dict[str, dict[str, Any]] = {}
    for table in sorted(sql.tables()):
        schema, _, name = table.partition(".")
        if name != "_dlt_pipeline_state" or not schema.startswith("raw_"):
            continue
        loads = f"{schema}._dlt_loads"
        if loads not in sql.tables():
            continue
        # Only a load that came to its end counts, and of equal versions the later one.
        rows = sql.run(
            "select pipeline_name, state from (select state.pipeline_name, state.state, "
            "row_number() over (partition by state.pipeline_name order by state.version desc, "
            f"loads.load_id desc) as age from {table} as state join {loads} as loads "
            "on loads.load_id = state._dlt_load_id where loads.status = 0) as states where age = 1"
        )
        found.update({str(pipeline): decompress_state(text) for pipeline, text in rows})
    return found


def tenants(states: Iterable[dict[str, Any]]) -> Iterable[tuple[str, str, str, dict[str, Any]]]:
    """Yield (vendor, resource, tenant, its state) of every scan any account has ever made.

    A backfill under way has a state of its own.
    """
    for state in states:
        for vendor, source in state.get("sources", {}).items():
            for resource, facts in source.get("resources", {}).items():
                for tenant, its in facts.get("tenants", {}).items():
                    yield vendor, resource, tenant, its
                    for backfill in its.get("backfills", {}).values():
                        yield vendor, resource, tenant, backfill


def open_scans(sql: Warehouse) -> list[str]:
    """Return the scans that are under way: landed in part, to be shown when complete."""
    return [
        scan for _, _, _, state in tenants(states(sql).values()) for scan in state.get("open", ())
    ]
