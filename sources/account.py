"""One credential at one vendor: its tenants, and how each of their resources is read in a run.

A vendor says what differs: its tenants, its context, and one reading for each resource. What is
alike is here: whether a scan is due to be complete, the state it continues, the order of things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

import dlt
import pyarrow as pa

from sources.drive import run_scan
from sources.http import Client
from sources.job import Job
from sources.known import Log
from sources.records import Context, Shape
from sources.scan import Reading, Scan, State

Read = Callable[[str, Scan], Reading]


class Account:
    """What one run reads with one credential.

    Attributes:
        lag: How far behind the watermark is read again.
        full_every: How often a scheduled run reads everything.
        region: Country of local phone numbers where the vendor does not tell.
        increments: The resources that need not be read completely each time.
        judged: Whether every scan judges absence, increments too (a vendor that lists all).
    """

    lag = timedelta(minutes=10)
    full_every = timedelta(hours=24)
    region: str | None = None
    increments: tuple[Shape, ...] = ()
    dimensions: tuple[Shape, ...] = ()
    windowed: tuple[Shape, ...] = ()
    judged = False

    def __init__(self, client: Client, job: Job) -> None:
        self.client, self.job = client, job

    @property
    def tenants(self) -> Iterable[str]:
        """The tenants this credential sees."""
        raise NotImplementedError

    @property
    def readings(self) -> Mapping[Shape, Read]:
        """How each resource of a tenant is read."""
        raise NotImplementedError

    def context(self, shape: Shape, tenant: str, state: State) -> Context:  # noqa: ARG002
        """Return what a record's meaning depends on besides itself."""
        return {}

    @cached_property
    def log(self) -> Log:
        """What the destination holds."""
        return Log(dlt.current.pipeline())

    def scan(self, shape: Shape, resource_state: State) -> Iterator[pa.Table]:
        """Yield the changes of one resource, tenant after tenant."""
        if self.job.backfill and shape not in self.windowed:
            return
        log = self.log
        for tenant in self.tenants:
            home = resource_state.setdefault("tenants", {}).setdefault(tenant, {})
            kind = self._kind(shape, home)
            yield from run_scan(
                self.job,
                log,
                shape,
                vendor=self.client.vendor,
                account=self.client.account,
                tenant_id=tenant,
                kind=kind,
                home=home,
                complete=kind == "full" or (self.judged and shape in self.increments),
                read=partial(self.readings[shape], tenant),
                requests=lambda: self.client.requests[shape.resource],
                context=self.context(shape, tenant, home),
            )

    def _kind(self, shape: Shape, state: State) -> str:
        """Return how this scan is made: `full` where it can judge absence, else `incremental`."""
        if self.job.backfill:
            return "backfill"
        if shape in self.dimensions:
            return "incremental"
        owed = self.job.full or "held" in state or not {"full_at", "watermark"} <= state.keys()
        if owed or shape not in self.increments:
            return "full"
        due = datetime.fromisoformat(state["full_at"]) + self.full_every
        return "full" if self.job.timing.now() >= due else "incremental"


def configure(account: Account, values: Mapping[str, Any]) -> None:
    """Set what every vendor's source takes: lag, the rhythm of complete scans, the region."""
    if values.get("lag_minutes") is not None:
        account.lag = timedelta(minutes=float(values["lag_minutes"]))
    if values.get("full_scan_every_hours") is not None:
        account.full_every = timedelta(hours=float(values["full_scan_every_hours"]))
    account.region = values.get("default_region") or None
