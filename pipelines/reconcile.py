"""Our rows against the vendor's own totals.

Which rows of `core` a resource becomes is what its staging SQL says; there is no list of it here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from transforms.model import ENTITIES, Entity, staging, vendors
from transforms.publish import Warehouse

Key = tuple[str, str, str]
"""(vendor, tenant, resource)."""

# What a vendor counts while it is written to is never quite what is read of it.
_SLACK, _SLACK_SHARE = 5, 0.01
_SOURCE = re.compile(r"^from raw_\w+\.(\w+)", re.MULTILINE)
_KIND = re.compile(r"'(\w+)' as list_kind")
# The last total of each resource that a complete scan brought, and when the scan after it began:
# what core held between the two is what the total is compared with.
_TOTALS = """
select vendor, tenant_id, resource, vendor_total, started_at, next_at from (
    select counted.*, row_number() over (
        partition by vendor, tenant_id, resource order by started_at desc
    ) as age
    from (
        select scans.*, lead(started_at) over (
            partition by vendor, tenant_id, resource order by started_at
        ) as next_at
        from ops.scans as scans
    ) as counted
    where complete and vendor_total is not null
) as latest where age = 1
"""


@cache
def _becomes() -> dict[tuple[str, str], tuple[Entity, str | None]]:
    """Return, for (vendor, resource), the entity and kind of list its records are in core.

    Where a record feeds several (a customer with an address in it), it is the first of them.
    """
    found: dict[tuple[str, str], tuple[Entity, str | None]] = {}
    for vendor in vendors():
        for entity in ENTITIES:
            for text in staging(vendor, entity):
                kind = _KIND.search(text)
                for resource in _SOURCE.findall(text):
                    found.setdefault((vendor, resource), (entity, kind[1] if kind else None))
    return found


def counts(sql: Warehouse) -> dict[Key, int]:
    """Return how many rows core has now of every resource a scan was ever made of."""
    tables, ours = sql.tables(), dict[tuple[Any, ...], int]()
    for entity in ENTITIES:
        if f"core.{entity.view}" in tables:
            kind = "list_kind" if "list_kind" in entity.key else "null"
            for vendor, tenant, of_kind, rows in sql.run(
                f"select vendor, tenant_id, {kind}, count(*) from core.{entity.view} "
                f"group by vendor, tenant_id{', list_kind' if kind != 'null' else ''}"
            ):
                ours[entity, vendor, tenant, of_kind] = rows
    scanned = sql.run("select distinct vendor, tenant_id, resource from ops.scans")
    return {
        (vendor, tenant, resource): ours.get((entity, vendor, tenant, kind), 0)
        for vendor, tenant, resource in scanned
        if (vendor, resource) in _becomes()
        for entity, kind in [_becomes()[vendor, resource]]
    }


def compare(sql: Warehouse) -> dict[Key, dict[str, Any]]:
    """Return the vendor's last total of each resource that has one, and what we had then.

    `differs` where they are further apart than records that come and go meanwhile explain.
    """
    tables, found = sql.tables(), dict[Key, dict[str, Any]]()
    pairs = "select distinct vendor, resource from ops.scans where vendor_total is not null"
    for vendor, resource in sql.run(pairs):
        entity, kind = _becomes().get((vendor, resource), (None, None))
        if entity is None or f"core.{entity.history}" not in tables:
            continue
        for tenant, theirs, at, ours in sql.run(_then(vendor, resource, entity, kind)):
            slack = max(_SLACK, _SLACK_SHARE * theirs)
            found[vendor, tenant, resource] = {
                "scanned_at": at, "vendor_total": theirs, "rows": ours,
                "differs": abs(theirs - ours) > slack,
            }  # fmt: skip
    return found


def _then(vendor: str, resource: str, entity: Entity, kind: str | None) -> str:
    """Return the SQL of what core held when the vendor's last total was told, by tenant."""
    return f"""
        select told.tenant_id, told.vendor_total, told.started_at, count(ours.vendor)
        from ({_TOTALS}) as told left join core.{entity.history} as ours
            on ours.vendor = told.vendor and ours.tenant_id = told.tenant_id
            {f"and ours.list_kind = '{kind}'" if kind else ""}
            and (told.next_at is null or ours.valid_from < told.next_at)
            and (ours.valid_to is null or ours.valid_to >= told.next_at)
        where told.vendor = '{vendor}' and told.resource = '{resource}'
        group by told.tenant_id, told.vendor_total, told.started_at
    """
