"""What can be known before anything is read or written: `regulars check` and `regulars plan`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from pipelines import settings, warehouse
from pipelines.land import states
from pipelines.status import reader
from sources import VENDORS
from sources.errors import ConfigError, SyncError
from sources.job import Job
from sources.throttle import Timing
from transforms.publish import Warehouse

SKEW = timedelta(seconds=60)
_DEFAULT_FULL_HOURS = 24.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at: a line to print, and the error if it is not as it should be."""

    text: str
    error: SyncError | None = None


def check(transport: Any = None, timing: Timing | None = None) -> Iterator[Finding]:
    """Look at every account's credential, scope and clock, and at the destination."""
    accounts = settings.accounts([])
    if not accounts:
        yield Finding("vendors: none is configured", ConfigError("no vendor is configured"))
    for account in accounts:
        job = Job(timing=timing or Timing())
        module = import_module(VENDORS[account.vendor])
        try:
            with job.closing:
                facts = module.probe(
                    job=job, transport=transport, account=account.name, **account.values
                )
        except SyncError as error:
            yield Finding(f"{account.label}: failed", error)
            continue
        yield Finding(f"{account.label}: credential accepted, {facts.sees}")
        yield _skew(account.label, facts.vendor_time, job.timing.now())
    try:
        with warehouse.writing():
            where = warehouse.place()
            yield Finding(f"destination: {where.file or where.kind} can be written")
    except SyncError as error:
        yield Finding("destination: failed", error)


def _skew(label: str, theirs: datetime | None, ours: datetime) -> Finding:
    if theirs is None:
        return Finding(f"{label}: the vendor does not tell its clock; ours stands in for it")
    skew = theirs - ours
    seconds = f"{abs(skew.total_seconds()):.0f} s {'ahead of' if skew > timedelta() else 'behind'}"
    if abs(skew) > SKEW:
        return Finding(f"{label}: clock skew: the vendor is {seconds} us; look at both clocks")
    return Finding(f"{label}: clocks agree ({seconds} us)")


@dataclass(frozen=True)
class Step:
    """One scan a sync would make: how many requests at the most, and why."""

    vendor: str
    tenant_id: str
    resource: str
    kind: str
    requests: int
    note: str
    per_minute: float = 0

    @property
    def minutes(self) -> float:
        """How long these requests take under the rate limit; 0 without one."""
        return self.requests / self.per_minute if self.per_minute else 0.0


def plan(names: Sequence[str], timing: Timing | None = None) -> list[Step]:
    """Return what a sync would ask, from what the last runs left; nothing is asked or written."""
    now = (timing or Timing()).now()
    steps: list[Step] = []
    accounts = settings.accounts(list(names))
    known: dict[str, dict[str, Any]] = {}
    sizes: dict[tuple[str, str, str], int] = {}
    if (file := warehouse.place().file) is None or file.exists():
        with warehouse.reading() as connection:
            sql = reader(connection)
            known = states(sql)
            sizes = _requests_last_full(sql)
    for account in accounts:
        state = known.get(f"regulars_{account.label}")
        if state is None:
            steps.append(
                Step(
                    account.vendor, "every tenant", "all", "full", 0, "first sync: reads everything"
                )
            )
            continue
        every = float(account.values.get("full_scan_every_hours", _DEFAULT_FULL_HOURS))
        resources = state.get("sources", {}).get(account.vendor, {}).get("resources", {})
        for resource, facts in resources.items():
            for tenant, its in facts.get("tenants", {}).items():
                kind, note = _kind(its, every, now)
                last = sizes.get((account.vendor, tenant, resource), 1)
                asked = max(1, last) if kind == "full" else 1
                pace = float(account.values.get("requests_per_minute", 0))
                steps.append(Step(account.vendor, tenant, resource, kind, asked, note, pace))
    return steps


def _kind(state: dict[str, Any], every_hours: float, now: datetime) -> tuple[str, str]:
    if "checkpoint" in state:
        return "full", "goes on at its checkpoint"
    if "watermark" not in state:
        return "full", "complete every run"
    due = datetime.fromisoformat(state["full_at"]) + timedelta(hours=every_hours)
    if now >= due:
        return "full", "the periodic complete scan is due"
    return (
        "incremental",
        f"newest first back to {state['watermark']}; complete again {due:%d %b %H:%MZ}",
    )


def _requests_last_full(sql: Warehouse) -> dict[tuple[str, str, str], int]:
    if "ops.scans" not in sql.tables():
        return {}
    rows = sql.run(
        "select vendor, tenant_id, resource, max(requests) from ops.scans "
        "where kind = 'full' and complete group by vendor, tenant_id, resource"
    )
    return {(vendor, tenant, resource): requests for vendor, tenant, resource, requests in rows}
