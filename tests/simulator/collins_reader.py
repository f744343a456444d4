"""A reader of the pretended Collins that does as the documentation says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from simulator import CollinsSwitches, Simulator, VirtualClock

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
Record = dict[str, Any]


def pretend(customers: int = 60, seed: int = 7, **switches: Any) -> Simulator:
    """Return a small world of this vendor alone at noon, ten records a page."""
    return Simulator(
        customers=customers, seed=seed, clock=VirtualClock(NOON), only=["collins"],
        collins=CollinsSwitches(**{"page_size": 10, **switches}),
    )  # fmt: skip


class Reader:
    """Counts pages up to the last that the headers tell; paths are below the base address."""

    def __init__(self, sim: Simulator, tenant: str = "london") -> None:
        self.http = httpx.Client(
            transport=sim.transport(),
            base_url=sim.collins.base_url,
            headers={"Authorization": f"Bearer {sim.collins.token(tenant)}"},
        )

    def get(self, path: str, **params: Any) -> httpx.Response:
        """GET with the token."""
        return self.http.get(path, params=params)

    def pages(self, path: str = "/customers", **params: Any) -> list[list[Record]]:
        """Return every page, one list each."""
        found: list[list[Record]] = []
        while True:
            response = self.get(path, page=len(found) + 1, **params)
            assert response.status_code == 200, response.text
            found.append(response.json()[path.rpartition("/")[2]])
            if len(found) >= int(response.headers["X-Pagination-Total-Pages"]):
                return found

    def all(self, path: str = "/customers", **params: Any) -> list[Record]:
        """Return the records of every page."""
        return [record for page in self.pages(path, **params) for record in page]

    def ids(self, **params: Any) -> list[str]:
        """Return the ids of the customers asked for, in their order."""
        return [record["id"] for record in self.all(**params)]
