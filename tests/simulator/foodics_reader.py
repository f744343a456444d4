"""A reader of the pretended Foodics that does as the documentation and its clients say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from simulator import FoodicsSwitches, Simulator, VirtualClock
from simulator.foodics.switches import READ_SCOPES, WRITE_SCOPES

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
ALL_SCOPES = READ_SCOPES + WRITE_SCOPES
EVERYTHING = "tags,addresses,addresses.delivery_zone"
LONG_AGO = "2000-01-01 00:00:00"
Record = dict[str, Any]


def pretend(customers: int = 60, seed: int = 7, **switches: Any) -> Simulator:
    """Return a small world of this vendor alone at noon, ten records a page."""
    return Simulator(
        customers=customers, seed=seed, clock=VirtualClock(NOON), only=["foodics"],
        foodics=FoodicsSwitches(**{"page_size": 10, **switches}),
    )  # fmt: skip


class Reader:
    """Reads one business; paths are below the base address, filters go by their names."""

    def __init__(self, sim: Simulator, place: int = 0) -> None:
        self.sim, self.vendor = sim, sim.foodics
        self.tenant = self.vendor.tenants[place]
        self.http = httpx.Client(
            transport=sim.transport(),
            headers={"Authorization": f"Bearer {self.vendor.token(self.tenant)}"},
        )

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request with the token."""
        return self.http.request(method, f"{self.vendor.base_url}{path}", **options)

    def get(self, path: str = "/customers", **query: Any) -> httpx.Response:
        """GET; `sort`, `include`, `page`, `per_page` are themselves, all others filters."""
        plain = ("sort", "include", "page", "per_page")
        names = {name: name if name in plain else f"filter[{name}]" for name in query}
        return self.ask("GET", path, params={names[name]: query[name] for name in query})

    def pages(self, path: str = "/customers", **query: Any) -> list[list[Record]]:
        """Return every page up to the one without a next, asking for each with the full query."""
        found: list[list[Record]] = []
        while True:
            response = self.get(path, page=len(found) + 1, **query)
            assert response.status_code == 200, response.text
            found.append(response.json()["data"])
            if not response.json()["links"]["next"]:
                return found

    def all(self, path: str = "/customers", **query: Any) -> list[Record]:
        """Return the records of every page."""
        return [record for page in self.pages(path, **query) for record in page]

    def ids(self, path: str = "/customers", **query: Any) -> list[str]:
        """Return the ids of every page, in their order."""
        return [record["id"] for record in self.all(path, **query)]

    def walk(self, since: str = LONG_AGO, **query: Any) -> dict[str, Record]:
        """Read by `updated_at`: page 1 from the last stamp on; pages inside one stamp."""
        found: dict[str, Record] = {}
        page = 1
        for _ in range(1000):
            query |= {"updated_after": since, "sort": "updated_at", "page": page}
            records = self.get(**query).json()["data"]
            found |= {record["id"]: record for record in records}
            if not records:
                return found
            last = records[-1]["updated_at"]
            before = f"{datetime.fromisoformat(last) - timedelta(seconds=1)}"
            if len(records) < self.vendor.switches.page_size:
                return found
            since, page = (since, page + 1) if before <= since else (before, 1)
        raise AssertionError("the walk does not end")

    def truth(self) -> dict[str, Record]:
        """Return the customers that a perfect reader would know."""
        known = self.vendor.truth().customers.items()
        return {customer_id: record for (where, customer_id), record in known
                if where == self.tenant}  # fmt: skip
