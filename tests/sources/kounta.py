"""One company at Kounta, alone in a project on the bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from simulator import KountaSwitches, Simulator, VirtualClock
from sources import kounta
from sources.account import Account
from sources.job import Job
from sources.kounta.fields import SHAPES
from tests.conftest import MINUTE, NOON, assert_now
from tests.sources.bench import Bench

COMPANY = "5678"
LIST = rf"GET /kounta/v1/companies/{COMPANY}/customers(\?|$)"
DETAIL = rf"GET /kounta/v1/companies/{COMPANY}/customers/\d+$"
TOKEN = r"POST /kounta/v1/token\.json$"
OWN = r"GET /kounta/v1/companies/me$"
_FIRST = 0.85  # of all customers are the first company's


class Kounta(Bench):
    """A company of forty customers, four pages of ten, unless told otherwise."""

    vendor, shapes = "kounta", SHAPES

    def __init__(self, folder: Path, customers: int = 40, **switches: Any) -> None:
        sim = Simulator(
            customers=round(customers / _FIRST),
            clock=VirtualClock(NOON),
            only=["kounta"],
            kounta=KountaSwitches(**{"page_size": 10, **switches}),
        )
        del sim.kounta.world["5679"]
        super().__init__(sim, folder)
        self.kounta = sim.kounta
        self.first_refresh_token = self.kounta.refresh_token(COMPANY)
        assert len(self.ids) == customers

    @property
    def ids(self) -> list[str]:
        """Ids of the customers there are."""
        return self.kounta.customer_ids(COMPANY)

    def turn(self, **switches: Any) -> None:
        """Turn switches of the vendor."""
        assert switches.keys() <= vars(self.kounta.switches).keys()
        vars(self.kounta.switches).update(switches)

    def connect(self, job: Job, **settings: Any) -> Account:
        """Return the account; whose turn it is to be read in full is tested by itself."""
        usual: dict[str, Any] = {
            "company_id": COMPANY,
            "client_id": self.kounta.client_id(COMPANY),
            "client_secret": self.kounta.client_secret(COMPANY),
            "refresh_token": self.first_refresh_token,
            "base_url": self.kounta.base_url,
            "detail_max_age_days": 3650,
        }
        return kounta._account(  # noqa: SLF001  the source without dlt around it
            job, self.sim.transport(), "default", **usual | settings
        )

    def later(self, **asked: Any) -> int:
        """Sync a minute later; return the exit code."""
        self.clock.advance(MINUTE)
        return self.sync(**asked)

    def set(self, customer_id: str, **fields: Any) -> None:
        """Change a customer at the vendor."""
        self.kounta.update_customer(COMPANY, customer_id, **fields)

    def delete(self, *customer_ids: str) -> None:
        """Delete customers at the vendor."""
        for each in customer_ids:
            self.kounta.delete_customer(COMPANY, each)

    def count(self, pattern: str) -> int:
        """Return how many requests of the last sync matched."""
        return self.sim.count(pattern)

    def assert_true(self) -> None:
        """Assert that core says what the vendor says, field by field."""
        assert_now(self, self.sim)  # type: ignore[arg-type]


def address_of(customer_id: str) -> str:
    """Return the pattern of a customer's own address."""
    return rf"GET /kounta/v1/companies/{COMPANY}/customers/{customer_id}$"
