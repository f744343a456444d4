"""What `regulars status` says in words."""

from __future__ import annotations

import sys
from typing import Any


def print_status(found: dict[str, Any]) -> None:
    """Print what stands, then what of it needs a person."""
    if not found["runs"]:
        _say("no run has come to its end yet")
    for run in found["runs"][:1]:
        _say(f"last run {run['run_id']}: {run['command']} {run['status']} at {run['finished_at']}")
    if found["scans"]:
        _print_scans(found["scans"])
    for scan in found["under_way"]:
        landed = "all landed; the next run publishes it"
        if scan["part"]:
            landed = f"part {scan['part']} landed; the next run goes on there"
        stale = f". STALE: nothing came since {scan['at']}" if scan["stale"] else ""
        where = f"{scan['vendor']}/{scan['resource']} {scan['tenant_id']}"
        _say(f"under way: {where}, {landed}{stale}")
    _print_concerns(found["scans"])
    for plan in found["held"]:
        _say(f"HELD: {held_text(plan)}")


def _print_scans(scans: list[dict[str, Any]]) -> None:
    # A plan has words of this module and no table.
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = ("rows", "vendor says", "age")
    for name in ("vendor", "tenant", "resource", *numbers, "kind", "complete", "watermark"):
        table.add_column(name, justify="right" if name in numbers else "left")
    for scan in scans:
        table.add_row(
            scan["vendor"],
            scan["tenant_id"],
            scan["resource"],
            _text(scan["rows"]),
            _text((scan["compared"] or scan)["vendor_total"]),
            _age(scan["age_seconds"]),
            scan["kind"],
            "yes" if scan["complete"] else "NO",
            _text(scan["watermark"]),
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _print_concerns(scans: list[dict[str, Any]]) -> None:
    """Say what is not fresh, and where the vendor counts otherwise than we do."""
    stale: dict[tuple[str, str], list[str]] = {}
    for scan in scans:
        if scan["stale"]:
            stale.setdefault((scan["vendor"], scan["tenant_id"]), []).append(scan["resource"])
    for (vendor, tenant), resources in stale.items():
        _say(
            f"STALE: {vendor} {tenant}: {', '.join(resources)}: no complete scan for longer than "
            f"sources.{vendor}.freshness_hours allows"
        )
    for scan in scans:
        told = scan["compared"]
        if told and told["vendor_total"] != told["rows"]:
            _say(
                f"{'DIFFERS' if told['differs'] else 'differs a little'}: {scan['vendor']}/"
                f"{scan['resource']} {scan['tenant_id']}: the vendor counted "
                f"{told['vendor_total']}, we had {told['rows']} after the complete scan of "
                f"{told['scanned_at']}"
            )


def held_text(plan: dict[str, Any]) -> str:
    """Return what is held in words: with its numbers where this machine has the plan."""
    if plan["vendor"] is None:
        return f"run {plan['run_id']} ended held; its own message says which check, or what else"
    where = f"({plan['vendor']}, {plan['tenant_id']})"
    if plan["missing"] is None:
        return f"removals of {plan['resource']} {where}; the plan is where the run was made"
    scope = f" of {plan['scope']}" if plan["scope"] else ""
    return (
        f"{plan['missing']} of {plan['alive']} {plan['resource']}{scope} {where} would be removed; "
        f"ids in {plan['plan']}"
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
