"""One organisation at LOKE, alone in a project on the bench."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from simulator import LokeSwitches, Simulator, VirtualClock
from simulator.clock import stamp
from sources import loke
from sources.account import Account
from sources.job import Job
from sources.loke.fields import SHAPES
from tests.conftest import MINUTE, NOON, assert_now
from tests.sources.bench import Bench

LIST = r"GET /loke/organizations/\w+/customers(\?|$)"
ONE = r"GET /loke/organizations/\w+/customers/\w+$"
MEMBERS = r"/members(\?|$)"


class Loke(Bench):
    """An organisation of forty customers on pages of ten, and three lists of a few of them."""

    vendor, shapes = "loke", SHAPES

    def __init__(self, folder: Path, customers: int = 40, **switches: Any) -> None:
        sim = Simulator(
            customers=customers,
            clock=VirtualClock(NOON),
            only=["loke"],
            loke=LokeSwitches(**{"page_size": 10, **switches}),
            organizations=1,
            lists=3,
            members_per_list=4,
        )
        super().__init__(sim, folder)
        self.loke = sim.loke
        (self.org,) = self.loke.organizations

    @property
    def ids(self) -> list[str]:
        """Ids of the customers there are."""
        return self.loke.customer_ids(self.org)

    def turn(self, **switches: Any) -> None:
        """Turn switches of the vendor."""
        assert switches.keys() <= vars(self.loke.switches).keys()
        vars(self.loke.switches).update(switches)

    def connect(self, job: Job, **settings: Any) -> Account:
        """Return the account; what is not set is as it comes."""
        usual: dict[str, Any] = {
            "client_id": self.loke.client_id,
            "client_secret": self.loke.client_secret,
            "base_url": self.loke.base_url,
            "token_url": self.loke.token_url,
        }
        return loke._account(  # noqa: SLF001  the source without dlt around it
            job, self.sim.transport(), "default", **usual | settings
        )

    def later(self, **asked: Any) -> int:
        """Sync a minute later; return the exit code."""
        self.clock.advance(MINUTE)
        return self.sync(**asked)

    def set(self, customer_id: str, **fields: Any) -> None:
        """Change a customer at the vendor, stamped now unless the fields say otherwise."""
        self.loke.update_customer(self.org, customer_id, **fields)

    def stamp(self, customer_ids: list[str], moment: datetime) -> None:
        """Change customers and give them one and the same stamp."""
        for each in customer_ids:
            self.set(each, lastName=f"At {moment}", updatedAt=stamp(moment))

    def delete(self, *customer_ids: str) -> None:
        """Delete customers at the vendor."""
        for each in customer_ids:
            self.loke.delete_customer(self.org, each)

    def before(self, pattern: str, nth: int | None, do: Callable[[], object]) -> None:
        """Do something at the vendor before a request, counted from now, is answered."""
        self.sim.before(pattern, nth, do)

    def count(self, pattern: str) -> int:
        """Return how many requests of the last sync matched."""
        return self.sim.count(pattern)

    def report(self, resource: str = "customers") -> Any:
        """Return the last sync's report of a resource."""
        return next(each for each in self.job.reports if each.resource == resource)

    def assert_true(self) -> None:
        """Assert that core says what the vendor says, field by field."""
        assert_now(self, self.sim)  # type: ignore[arg-type]
