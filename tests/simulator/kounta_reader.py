"""A reader of the pretended Kounta that does as the documentation and its clients say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import httpx

from simulator import KountaSwitches, Simulator, VirtualClock

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
Record = dict[str, Any]
VOLATILE = ("created_at", "updated_at")


def pretend(customers: int = 60, seed: int = 7, **switches: Any) -> Simulator:
    """Return a small world of this vendor alone at noon, ten records a page."""
    return Simulator(
        customers=customers, seed=seed, clock=VirtualClock(NOON), only=["kounta"],
        kounta=KountaSwitches(**{"page_size": 10, **switches}),
    )  # fmt: skip


class Reader:
    """Signs in by refresh token, or by Basic; paths are below a company's own."""

    def __init__(self, sim: Simulator, tenant: str = "5678", *, basic: bool = False) -> None:
        self.kounta, self.tenant = sim.kounta, tenant
        self.client = sim.kounta.client_id(tenant), sim.kounta.client_secret(tenant)
        self.http = httpx.Client(
            transport=sim.transport(), base_url=f"{sim.kounta.base_url}/companies/{tenant}",
            headers={"Accept": "application/json"}, auth=self.client if basic else None,
        )  # fmt: skip
        self.refresh_token = sim.kounta.refresh_token(tenant)
        if not basic:
            self.sign_in()

    def token(self, path: str = "/token.json", *, json: bool = False, **form: Any) -> Any:
        """Ask the token address, as JSON or as a form."""
        body = {"client_id": self.client[0], "client_secret": self.client[1]} | form
        given: Any = {"json" if json else "data": body}
        return self.http.post(self.kounta.base_url + path, **given)

    def refresh(self, token: str | None = None) -> httpx.Response:
        """Ask for an access token with this refresh token, or with the latest."""
        given = token or self.refresh_token
        return self.token(grant_type="refresh_token", refresh_token=given)

    def sign_in(self) -> None:
        """Use the refresh token, and the new one from now on should there be one."""
        answer = self.refresh().json()
        self.refresh_token = answer.get("refresh_token", self.refresh_token)
        self.http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def get(self, path: str = "/customers", **options: Any) -> httpx.Response:
        """GET below the company."""
        return self.http.get(path, **options)

    def pages(self, path: str = "/customers", at_most: int = 50) -> list[list[Record]]:
        """Return every page, one list each, as `X-Next-Page` leads."""
        found: list[list[Record]] = []
        following: str | None = path
        while following and len(found) < at_most:
            response = self.get(following)
            assert response.status_code == 200, response.text
            found.append(response.json())
            header = response.headers.get("X-Next-Page")
            following = urljoin(str(response.url), header) if header else None
        return found

    def ids(self) -> list[str]:
        """Return the ids of the list, in its order."""
        return [str(record["id"]) for page in self.pages() for record in page]


def steady(record: Record) -> Record:
    """Return a whole record without what is new in every answer."""
    kept = {name: value for name, value in record.items() if name not in VOLATILE}
    return kept | {"addresses": {"count": record["addresses"]["count"]}}
