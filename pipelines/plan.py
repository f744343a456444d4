"""What a sync would ask and remove, from what the last runs left: `regulars plan`.

Nothing is asked of a vendor and nothing is written, so a plan can be had at any time.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pipelines import settings, warehouse
from pipelines.reconcile import Key
from pipelines.settings import Account
from pipelines.states import states
from pipelines.status import Row, held, reader
from sources.errors import ConfigError
from sources.throttle import Timing
from transforms.publish import Warehouse


@dataclass(frozen=True)
class Step:
    """One scan a sync would make: about how many requests, None where nobody knows yet; and why."""

    vendor: str
    tenant_id: str
    resource: str
    kind: str
    requests: int | None
    note: str
    per_minute: float = 0

    @property
    def minutes(self) -> float:
        """How long these requests take under our own cap; 0 without one."""
        return (self.requests or 0) / self.per_minute if self.per_minute else 0.0


@dataclass(frozen=True)
class Plan:
    """The scans a sync would make, and the removals that wait for a person."""

    steps: list[Step]
    held: list[Row]


@dataclass
class _Past:
    """What the last scans were: by resource and kind, and which of them was the very last."""

    complete: dict[tuple[Key, str], Row] = field(default_factory=dict)
    last_kind: dict[Key, str] = field(default_factory=dict)
    kind_of: dict[str, str] = field(default_factory=dict)


_SCANS = """
select vendor, tenant_id, resource, kind, complete, scan_id, requests, rows_seen from (
    select scans.*, row_number() over (
        partition by vendor, tenant_id, resource, kind, complete order by started_at desc
    ) as age
    from ops.scans as scans where kind <> 'backfill'
) as latest where age = 1 order by started_at
"""


def plan(names: Sequence[str], timing: Timing | None = None) -> Plan:
    """Return what a sync of these vendors, of all if none is named, would do.

    Raises:
        ConfigError: What would end the sync itself: nothing is configured, or wrongly.
    """
    accounts = settings.accounts(names)
    if not accounts:
        raise ConfigError(
            f"no vendor is configured, so a sync would ask nothing. {settings.HOW_TO_CONFIGURE}"
        )
    now = (timing or Timing()).now()
    known, past, waiting = dict[str, Row](), _Past(), list[Row]()
    if (file := warehouse.place().file) is None or file.exists():
        with warehouse.reading() as connection:
            sql = reader(connection)
            known, past = states(sql), _past(sql)
            waiting = held(sql, known)
    steps: list[Step] = []
    for account in accounts:
        state = known.get(f"regulars_{account.label}", {})
        several = sum(other.vendor == account.vendor for other in accounts) > 1
        whose = f"every tenant of {account.label}" if several else "every tenant"
        first = Step(account.vendor, whose, "all", "full", None, "first sync: reads everything")
        steps += list(_steps(account, state, past, now)) or [first]
    asked = {account.vendor for account in accounts} | {None}
    return Plan(steps, [row for row in waiting if row["vendor"] in asked])


def _past(sql: Warehouse) -> _Past:
    past = _Past()
    if "ops.scans" not in sql.tables():
        return past
    for *key, kind, complete, scan_id, requests, rows in sql.run(_SCANS):
        vendor, tenant, resource = key
        at: Key = (vendor, tenant, resource)
        past.kind_of[scan_id] = past.last_kind[at] = kind
        if complete:
            past.complete[at, kind] = {"requests": requests, "rows": rows}
    return past


def _steps(account: Account, state: Row, past: _Past, now: datetime) -> Iterator[Step]:
    """Yield the scans of one account, as its state in the destination and the past foretell."""
    resources = state.get("sources", {}).get(account.vendor, {}).get("resources", {})
    every = _setting(account, "full_scan_every_hours")
    pace = _setting(account, "requests_per_minute") or 0
    for resource, facts in resources.items():
        for tenant, its in facts.get("tenants", {}).items():
            key: Key = (account.vendor, tenant, resource)
            kind, note = _kind(its, past, key, every, now)
            requests = past.complete.get((key, kind), {}).get("requests")
            if kind == "incremental" and "rotated_to" in its:
                requests, turns = _in_turn(account, its, past, key, now)
                note = f"{note}; {turns}"
            yield Step(account.vendor, tenant, resource, kind, requests, note, pace)


def _kind(state: Row, past: _Past, key: Key, every: float | None, now: datetime) -> tuple[str, str]:
    """Return how a resource would be read, and why: what `sources.account` decides by, in words."""
    if "checkpoint" in state:
        kind = past.kind_of.get(state["checkpoint"]["scan_id"], "full")
        return kind, "goes on at its checkpoint"
    # Who reads in turn judges absence in every scan, and needs no complete one for it.
    if "held" in state and "rotated_to" not in state:
        return "full", "everything once more, because removals are held"
    if "full_at" not in state:
        if past.last_kind.get(key) == "incremental" and "watermark" not in state:
            return "incremental", "looked at every run"
        return "full", "complete every run"
    return _periodic(state, every, now)


def _periodic(state: Row, every: float | None, now: datetime) -> tuple[str, str]:
    """Return whether a complete scan is due, of a resource that has them from time to time."""
    last, again = datetime.fromisoformat(state["full_at"]), "complete again with --full"
    if every is not None:
        due = last + timedelta(hours=every)
        if not last <= now < due:
            return "full", "the periodic complete scan is due"
        again = f"complete again {due:%d %b %H:%MZ}"
    if "watermark" in state:
        return "incremental", f"what changed since {state['watermark']}, less the lag; {again}"
    return "incremental", f"the whole list, which shows nobody's last change; {again}"


def _in_turn(
    account: Account, state: Row, past: _Past, key: Key, now: datetime
) -> tuple[int | None, str]:
    """Return what a list of abridged records costs, and how many full ones have their turn."""
    full = past.complete.get((key, "full"))
    days = _setting(account, "detail_max_age_days")
    note = "full records of who is new or differs"
    if full is None or days is None:
        return None, note
    if full["requests"] < full["rows"]:
        return full["requests"], "its records are full ones"
    since = now - datetime.fromisoformat(state["rotated_to"])
    turns = round(full["rows"] * (min(1.0, since / timedelta(days=days)) if days else 1.0))
    note += f", and of about {turns} of {full['rows']} whose turn it is ({days:g} days)"
    return max(1, full["requests"] - full["rows"]) + turns, note


def _setting(account: Account, name: str) -> float | None:
    """Return a numeric setting of an account, its source's default where it is not set."""
    parameter = inspect.signature(settings.factory(account.vendor)).parameters.get(name)
    value: Any = account.values.get(name, parameter.default if parameter else None)
    return None if value is None else float(value)
