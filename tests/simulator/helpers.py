"""A reader of the pretended LOKE that does as the documentation says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from simulator import LokeSwitches, Simulator, VirtualClock

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
Record = dict[str, Any]


def pretend(customers: int = 60, seed: int = 7, **switches: Any) -> Simulator:
    """Return a small world at noon, ten customers a page."""
    return Simulator(
        customers=customers, seed=seed, clock=VirtualClock(NOON),
        loke=LokeSwitches(**{"page_size": 10, **switches}),
    )  # fmt: skip


class Reader:
    """Signs in and follows `X-Next-Page`; `get` and `pages` take paths below the base address."""

    def __init__(self, sim: Simulator, client: httpx.Client | None = None) -> None:
        self.sim = sim
        self.http = client or httpx.Client(transport=sim.transport())
        self.token = self.http.post(
            sim.loke.token_url,
            data={"grant_type": "client_credentials"},
            auth=(sim.loke.client_id, sim.loke.client_secret),
        ).json()["access_token"]

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send one request with the token."""
        url = address if "://" in address else self.sim.loke.base_url + address
        signed = {"Authorization": f"Bearer {self.token}"}
        return self.http.request(method, url, headers=signed, **options)

    def get(self, address: str) -> httpx.Response:
        """GET with the token."""
        return self.ask("GET", address)

    def pages(self, address: str, at_most: int = 100) -> list[list[Record]]:
        """Return every page, one list each."""
        found: list[list[Record]] = []
        following: str | None = address
        while following and len(found) < at_most:
            response = self.get(following)
            assert response.status_code == 200, response.text
            found.append(response.json())
            header = response.headers.get("X-Next-Page")
            following = urljoin(str(response.url), header) if header else None
        return found

    def all(self, address: str) -> list[Record]:
        """Return the records of every page."""
        return [record for page in self.pages(address) for record in page]


def customers(sim: Simulator, sort: str = "updated") -> str:
    """Return the path of the first organisation's customers."""
    return f"/organizations/{sim.loke.organizations[0]}/customers?sort={sort}"
