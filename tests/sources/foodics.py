"""One business at Foodics, alone in a project on the bench."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from simulator import FoodicsSwitches, Simulator, VirtualClock
from sources import foodics
from sources.account import Account
from sources.foodics.fields import SHAPES
from sources.job import Job
from tests.conftest import MINUTE, NOON, assert_now
from tests.sources.bench import Bench

LIST = r"GET /foodics/v5/customers\?"
LIVING = r"GET /foodics/v5/customers\?sort=updated_at"
DELETED = r"GET /foodics/v5/customers\?.*is_deleted"
BY_NUMBER = r"GET /foodics/v5/customers\?sort=created_at&include=[^&]*&page"
TAGGED = r"GET /foodics/v5/customers\?.*tags\.id"
DETAIL = r"GET /foodics/v5/customers/"
TAGS = r"GET /foodics/v5/tags\?"


class Foodics(Bench):
    """A business of forty living customers, pages of ten, unless told otherwise."""

    vendor, shapes = "foodics", SHAPES

    def __init__(self, folder: Path, customers: int = 40, **switches: Any) -> None:
        sim = Simulator(
            customers=round(customers * 1.3) + 4,
            clock=VirtualClock(NOON),
            only=["foodics"],
            foodics=FoodicsSwitches(**{"page_size": 10, **switches}),
        )
        self.foodics = sim.foodics
        self.tenant, other = self.foodics.tenants
        del self.foodics.world[other]
        super().__init__(sim, folder)
        for surplus in self.ids[customers:]:
            self.foodics.erase_customer(self.tenant, surplus)
        assert len(self.ids) == customers

    @property
    def ids(self) -> list[str]:
        """Ids of the customers there are."""
        return self.foodics.customer_ids(self.tenant)

    @property
    def oldest_first(self) -> list[str]:
        """Ids of the customers there are, in the order a walk meets them."""
        return sorted(self.ids, key=lambda one: (str(self.of(one)["updated_at"] or ""), one))

    def of(self, customer_id: str) -> dict[str, Any]:
        """Return a customer as the vendor has it."""
        return self.foodics.customer(self.tenant, customer_id)

    def turn(self, **switches: Any) -> None:
        """Turn switches of the vendor."""
        assert switches.keys() <= vars(self.foodics.switches).keys()
        vars(self.foodics.switches).update(switches)

    def connect(self, job: Job, **settings: Any) -> Account:
        """Return the account; what is not set is as it comes."""
        usual: dict[str, Any] = {
            "access_token": self.foodics.token(self.tenant),
            "base_url": self.foodics.base_url,
        }
        return foodics._account(  # noqa: SLF001  the source without dlt around it
            job, self.sim.transport(), "default", **usual | settings
        )

    def later(self, **asked: Any) -> int:
        """Sync a minute later; return the exit code."""
        self.clock.advance(MINUTE)
        return self.sync(**asked)

    def set(self, customer_id: str, **fields: Any) -> None:
        """Change a customer at the vendor."""
        self.foodics.update_customer(self.tenant, customer_id, **fields)

    def create(self, **fields: Any) -> str:
        """Add a customer at the vendor; return its id."""
        return self.foodics.create_customer(self.tenant, **fields)

    def delete(self, *customer_ids: str) -> None:
        """Soft-delete customers at the vendor."""
        for each in customer_ids:
            self.foodics.delete_customer(self.tenant, each)

    def restore(self, *customer_ids: str) -> None:
        """Bring soft-deleted customers back."""
        for each in customer_ids:
            self.foodics.restore_customer(self.tenant, each)

    def erase(self, *customer_ids: str) -> None:
        """Remove customers for good."""
        for each in customer_ids:
            self.foodics.erase_customer(self.tenant, each)

    def stamp(self, customer_ids: list[str], moment: datetime) -> None:
        """Give customers one and the same stamp."""
        self.foodics.bulk_stamp(self.tenant, customer_ids, moment)

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

    def assert_settles(self) -> None:
        """Assert that a quiet complete scan a minute later leaves core as the vendor has it."""
        assert self.later(full=True) == 0
        self.assert_true()


def ago(**by: float) -> datetime:
    """Return a moment before the test began."""
    return NOON - timedelta(**by)
