"""What one run asks of one account, and what came of it.

A job outlives the dlt packages it is landed in: a long scan is landed part by part, and between
two parts it waits here, with its memory and its place.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sources.errors import SyncError
from sources.throttle import Timing

if TYPE_CHECKING:
    from sources.scan import Scan
    from sources.worker import Worker


def new_id(now: datetime) -> str:
    """Return an id that sorts by time and is not guessed twice."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class PartSize:
    """How much of a scan is landed at once: at most this much work is lost by a crash."""

    pages: int = 1_000
    rows: int = 100_000
    seconds: float = 60


@dataclass
class ScanReport:
    """One scan as `ops.scans` shows it."""

    run_id: str
    vendor: str
    tenant_id: str
    resource: str
    kind: str
    started_at: datetime
    scan_id: str
    finished_at: datetime | None = None
    complete: bool = False
    requests: int = 0
    pages: int = 0
    rows_seen: int = 0
    rows_changed: int = 0
    rows_removed: int = 0
    vendor_total: int | None = None
    watermark: datetime | None = None


@dataclass(frozen=True)
class Window:
    """What a backfill reads again: vendor time from `since` to `until` (None: now), both in it."""

    since: datetime
    until: datetime | None

    @property
    def name(self) -> str:
        """Names the window in the state, so that only the same one is gone on with."""
        return f"{self.since.isoformat()}..{self.until.isoformat() if self.until else ''}"


@dataclass(frozen=True)
class RemovalPlan:
    """Removals that were held: more than the guard allows in one scope."""

    vendor: str
    account: str
    tenant_id: str
    resource: str
    scope: str
    alive: int
    missing: list[str]


@dataclass
class Job:
    """One run over one account.

    Attributes:
        full: Make every scan complete.
        backfill: Read this window again, and nothing else.
        allow_mass_delete: Apply removals beyond the guard.
        by_parts: Stop after each landed part, for a caller that runs the pipeline again until
            `unfinished` is empty. Without it one run of the source reads everything.
        keep_rejected_values: Land what was rejected beside the reason: it is people's data.
        strict: Raise the first failure instead of noting it.
        progress: Told of every page.
        worker: Makes rows in another process; None: there is none.
        counted: How many requests for a resource are in some scan's report.
        landed: Ids of the scans whose end is in the destination.
        missed: Tenants there were, and the credential sees no more.
        closing: What is to be closed when the run is over.
        stopped: Set when the run is to end at once, at its last checkpoints.
        scratch_dir: Where scans keep what they saw, so that a crash does not cost it.
        vault_dir: Where rotated credentials are kept; None: beside dlt's working data.
    """

    run_id: str = ""
    full: bool = False
    backfill: Window | None = None
    allow_mass_delete: bool = False
    by_parts: bool = False
    keep_rejected_values: bool = False
    strict: bool = False
    scratch_dir: Path | None = None
    vault_dir: Path | None = None
    progress: Callable[[ScanReport], None] = lambda _: None
    part: PartSize = field(default_factory=PartSize)
    timing: Timing = field(default_factory=Timing)
    worker: Worker | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("regulars"))
    reports: list[ScanReport] = field(default_factory=list)
    errors: list[SyncError] = field(default_factory=list)
    held: list[RemovalPlan] = field(default_factory=list)
    scans: dict[tuple[str, str], Scan] = field(default_factory=dict)
    done: set[tuple[str, str]] = field(default_factory=set)
    counted: dict[str, int] = field(default_factory=dict)
    landed: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    closing: ExitStack = field(default_factory=ExitStack)
    stopped: threading.Event = field(default_factory=threading.Event)
    _last: datetime = field(default_factory=lambda: datetime.min.replace(tzinfo=UTC))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.run_id = self.run_id or new_id(self.timing.now())

    def abandon(self) -> None:
        """End what is still being read, and the threads it reads with."""
        # Who waits for a vendor's quota, to read on, waits no more.
        self.stopped.set()
        for scan in self.scans.values():
            scan.stop()
            with suppress(Exception):
                scan.scratch.close()

    def has_read(self, resource: str, tenant_id: str) -> bool:
        """Whether a tenant's scan has come to its end, and nothing was left out."""
        return any(
            report.complete and (report.resource, report.tenant_id) == (resource, tenant_id)
            for report in self.reports
        )

    @property
    def unfinished(self) -> bool:
        """Whether a scan waits for its next part."""
        return bool(self.scans)

    def observe(self, *, after: datetime | None = None) -> datetime:
        """Return the time of an observation: now, but later than any other, and than `after`.

        Our clock may step back between two runs; the order in which things were seen may not.
        """
        with self._lock:
            floor = max(self._last, after or self._last)
            now = self.timing.now()
            self._last = now if now > floor else floor + timedelta(microseconds=1)
            return self._last
