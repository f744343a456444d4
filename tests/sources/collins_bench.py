"""Collins' source on its own: the log it writes is kept in memory, and compared with the truth.

A sync takes some ten milliseconds here, so that every answer of the vendor can be tried under
changes at every page. What the log becomes in `core` is tested through the whole pipeline.
"""

from __future__ import annotations

import copy
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulator import CollinsSwitches, Simulator, VirtualClock
from sources import collins
from sources.collins.fields import CUSTOMERS, VENUES
from sources.content import digest
from sources.errors import exit_code_of
from sources.job import Job, PartSize, Window
from sources.records import Shape
from sources.throttle import Timing
from sources.worker import Worker
from tests.conftest import NOON
from tests.sources.bench import Attached

TENANT = "london"
_COUNTRY = hashlib.blake2b(b"country=GB", digest_size=16).digest()
_CHILDREN = {
    "customer_labels": "label",
    "customer_venues": "venue",
    "customer_marketing_preferences": "marketing_preference",
}


class MemoryLog(Attached):
    """The change log, read table by table."""

    def now(self, name: str, what: str = "id", where: str = "true") -> list[tuple[Any, ...]]:
        """Return what the last row of each living key of a table says."""
        if name not in self.tables:
            return []
        key = "customer_id, id" if name.startswith("customer_") else "id"
        return self.db.execute(
            f"select {what} from (from {name} qualify row_number() over (partition by {key} "
            f"order by _observed_at desc) = 1) where _op = 'upsert' and {where}"
        ).fetchall()


class Bench:
    """A world of one account, and a project that syncs it."""

    def __init__(self, folder: Path | None = None, customers: int = 130, **switches: Any) -> None:
        """Args: `folder` keeps what a scan saw, for the next run to go on with.

        Only customers are read, with what stands in their records, unless `shapes` is widened.
        """
        self.clock = VirtualClock(NOON)
        self.sim = Simulator(
            customers=customers,
            clock=self.clock,
            only=["collins"],
            collins=CollinsSwitches(**switches),
        )
        self.vendor = self.sim.collins
        self.log, self.state, self.folder = MemoryLog(), dict[str, Any](), folder
        self.job = Job()
        self.worker: Worker | None = None
        self.shapes: tuple[Shape, ...] = (CUSTOMERS,)

    @property
    def ids(self) -> list[str]:
        """Ids of the customers there are."""
        return self.vendor.customer_ids(TENANT)

    def switch(self, **switches: Any) -> None:
        """Let the vendor do otherwise from now on."""
        vars(self.vendor.switches).update(switches)

    def change(self, customer_id: str, **fields: Any) -> None:
        """Change a customer at the vendor, stamped now unless told otherwise."""
        self.vendor.update_customer(TENANT, customer_id, **fields)

    def delete(self, *ids: str) -> None:
        """Remove customers at the vendor."""
        for customer_id in ids:
            self.vendor.delete_customer(TENANT, customer_id)

    def create(self, **fields: Any) -> str:
        """Add a customer at the vendor; return its id."""
        return self.vendor.create_customer(TENANT, **fields)

    def strip(self) -> None:
        """Take labels and venues from all: whom a walk loses, no count of those finds again."""
        for customer_id in self.ids:
            self.change(customer_id, _touch=False, labels=[], associated_venues=[])

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))

    def sync(
        self, *, full: bool = False, pages: int = 200, window: Window | None = None, **asked: Any
    ) -> int:
        """Read once, in parts of so many pages; return the exit code."""
        self.sim.reset_counters()
        self.job = job = Job(
            worker=self.worker,
            full=full,
            allow_mass_delete=asked.pop("allow_mass_delete", False),
            backfill=window,
            by_parts=True,
            part=PartSize(pages=pages),
            timing=Timing(self.clock.now, self.clock.sleep),
            scratch_dir=self.folder,
        )
        settings = {"max_wait_seconds": 300, "lag_minutes": 10, "full_scan_every_hours": 24} | asked
        account = collins._account(  # noqa: SLF001  the source without dlt around it
            job,
            self.sim.transport(),
            "default",
            access_token=self.vendor.token(TENANT),
            tenant_id=TENANT,
            base_url=self.vendor.base_url,
            default_region="GB",
            **settings,
        )
        account.log = self.log
        self.log._observed.clear()  # noqa: SLF001  a run asks once, and each of ours is a run
        with job.closing:
            self._run(account)
            while job.unfinished:
                self._run(account)
        return exit_code_of(job.errors)

    def _run(self, account: Any) -> None:
        """Read a part of each resource; what it yields and what it notes are landed together."""
        for shape in self.shapes:
            state = copy.deepcopy(self.state.get(shape.resource, {}))
            for item in list(account.scan(shape, state)):
                name = getattr(getattr(item, "meta", None), "table_name", shape.resource)
                self.log.land(name, getattr(item, "data", item))
            self.state[shape.resource] = state

    def report(self, resource: str = "customers") -> Any:
        """Return the last sync's report of a resource."""
        return next(each for each in self.job.reports if each.resource == resource)

    def lines(self, what: str = "") -> list[str]:
        """Return the queries the last sync sent to the customers' list."""
        return [
            seen.query
            for seen in self.sim.requests
            if seen.path.endswith("/customers") and what in seen.query
        ]

    def customers(self) -> dict[str, str]:
        """Return id → hash of the customers the log holds."""
        return dict(self.log.now("customers", "id, _row_hash"))

    def lost(self) -> set[str]:
        """Return who there is as the log does not hold it."""
        held = self.customers()
        return {key for key, mark in self._there().items() if held.get(key) != mark}

    def _there(self) -> dict[str, str]:
        truth = self.vendor.truth().customers
        return {
            key: digest(record, _COUNTRY)
            for (tenant, key), record in truth.items()
            if tenant == TENANT
        }

    def removed(self) -> set[str]:
        """Return every customer that a row of the log calls deleted."""
        if "customers" not in self.log.tables:
            return set()
        rows = self.log.db.execute("select id from customers where _op = 'delete'").fetchall()
        return {key for (key,) in rows}

    def rows(self) -> dict[str, int]:
        """Return how many rows each table of the log has."""
        counted = {}
        for name in sorted(self.log.tables):
            ((counted[name],),) = self.log.db.execute(f"select count(*) from {name}").fetchall()
        return counted

    def members(self, resource: str) -> set[tuple[str, str]]:
        """Return (list, customer) of one kind as the log holds it now."""
        opted = "opted_in" if resource == "customer_marketing_preferences" else "true"
        return set(self.log.now(resource, "id, customer_id", opted))

    def assert_true(self) -> None:
        """Assert that the log holds just what the vendor has: customers, lists, memberships."""
        assert self.customers() == self._there()
        truth = self.vendor.truth()
        for resource, kind in _CHILDREN.items():
            told = {
                (name, customer)
                for (tenant, its, name), members in truth.members.items()
                if (tenant, its) == (TENANT, kind)
                for customer in members
            }
            assert self.members(resource) == told, kind
        lists = {"labels": "label"} | ({"venues": "venue"} if VENUES in self.shapes else {})
        for resource, kind in lists.items():
            names = {name for tenant, its, name in truth.lists if (tenant, its) == (TENANT, kind)}
            assert {name for (name,) in self.log.now(resource)} == names
