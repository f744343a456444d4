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
from sources.errors import Held
from sources.http import Client
from sources.job import Job
from sources.known import Log
from sources.records import Context, Shape
from sources.removal import drop_scope
from sources.scan import Reading, Scan, State
from sources.throttle import Limiter

Read = Callable[[str, Scan], Reading]
Read1 = Callable[[Scan], Reading]
SKEW = timedelta(seconds=60)


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
        self._told = False

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
        seen = list(self.tenants)
        self._tell_skew()
        known: State = resource_state.setdefault("tenants", {})
        for tenant in seen:
            home = known.setdefault(tenant, {})
            kind = self._kind(shape, home)
            complete = kind == "full" or (self.judged and shape in self.increments)
            yield from self._run(
                shape, tenant, home, kind, partial(self.readings[shape], tenant), complete=complete
            )
        for tenant in sorted(known.keys() - set(seen)):
            yield from self._miss(shape, tenant, known)

    def _run(
        self, shape: Shape, tenant: str, home: State, kind: str, read: Read1, *, complete: bool
    ) -> Iterator[pa.Table]:
        yield from run_scan(
            self.job,
            self.log,
            shape,
            vendor=self.client.vendor,
            account=self.client.account,
            tenant_id=tenant,
            kind=kind,
            home=home,
            complete=complete,
            read=read,
            requests=lambda: self.client.requests[shape.resource],
            context=self.context(shape, tenant, home) if tenant in self.tenants else {},
        )

    def _miss(self, shape: Shape, tenant: str, known: State) -> Iterator[pa.Table]:
        """Deal with a tenant the credential sees no more: its rows stand until a person agrees."""
        if self.job.backfill:
            return
        if self.job.allow_mass_delete:
            yield from self._run(shape, tenant, known[tenant], "full", _end_all, complete=True)
            # It may take several parts, or fail: whose rows stand is still known.
            if self.job.has_read(shape.resource, tenant):
                del known[tenant]
        elif tenant not in self.job.missed:
            self.job.missed.add(tenant)
            held = Held(
                f"{self.client.vendor}: tenant {tenant} is not shown to the credential any "
                f"more (account {self.client.account}). All that is known of it stands as it "
                "was. Have it shown again, or, if it is really gone, run `regulars sync "
                f"{self.client.vendor} --full --allow-mass-delete`"
            )
            if self.job.strict:
                raise held
            self.job.errors.append(held)

    def _tell_skew(self) -> None:
        """Warn once a run when the vendor's clock and ours are far apart."""
        theirs = self.client.vendor_time
        if theirs is None or self._told:
            return
        self._told = True
        skew = (theirs - self.job.timing.now()).total_seconds()
        if abs(skew) > SKEW.total_seconds():
            self.client.log.warning(
                "%s: the vendor's clock is %.0f s %s ours; `regulars check` shows both",
                self.client.vendor,
                abs(skew),
                "ahead of" if skew > 0 else "behind",
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
        # A time ahead of ours was noted by a clock that was wrong, and says nothing.
        since = self.job.timing.now() - datetime.fromisoformat(state["full_at"])
        return "incremental" if timedelta() <= since < self.full_every else "full"


def _end_all(scan: Scan) -> Reading:
    """Read nothing, and end everything the log holds of a tenant."""
    for scope in dict.fromkeys(["", *scan.known_scopes()]):
        drop_scope(scan, scope)
        yield
    return None


def connect(
    vendor: str,
    account: str,
    job: Job,
    base_url: str,
    transport: Any,
    values: Mapping[str, Any],
    *,
    window: float = 60,
    at_once: int = 4,
) -> Client:
    """Return a client for one credential: paced by the run's clock, and closed when it is over.

    Args:
        vendor: The vendor's name.
        account: The credential's.
        job: The run.
        base_url: Address of the API.
        transport: Another way for requests to travel; None for the usual one.
        values: The source's settings: our own cap, and how long the run may wait in all.
        window: Seconds the vendor's own limit is for, where its answers do not say.
        at_once: How many requests may be under way.
    """
    limiter = Limiter(
        job.timing,
        values.get("requests_per_minute", Limiter.per_minute),
        values.get("max_wait_seconds", Limiter.max_wait),
        window,
        stopped=job.stopped,
    )
    client = Client(
        vendor=vendor,
        account=account,
        base_url=base_url,
        limiter=limiter,
        transport=transport,
        at_once=at_once,
    )
    job.closing.callback(client.close)
    return client


def configure(account: Account, values: Mapping[str, Any]) -> None:
    """Set what every vendor's source takes: lag, the rhythm of complete scans, the region."""
    if values.get("lag_minutes") is not None:
        account.lag = timedelta(minutes=float(values["lag_minutes"]))
    if values.get("full_scan_every_hours") is not None:
        account.full_every = timedelta(hours=float(values["full_scan_every_hours"]))
    account.region = values.get("default_region") or None
