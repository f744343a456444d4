"""The pretended vendors in a process of their own, and what a bench asks of them.

`python -m benchmarks.vendors '{"customers": 1000, …}'` is that process: it prints one line of JSON
when it is ready, its port, the settings a project needs, and who is in each account.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import httpx

from simulator import Simulator, serve
from simulator.accounts import settings_for

ROOT = Path(__file__).resolve().parents[1]
# Of a vendor with several accounts the first is read: it has 85 % of the customers, and at Foodics
# one in 33 of these is deleted.
_FIRST = {"loke": 1.0, "collins": 0.85, "kounta": 0.85, "foodics": 0.85 * 32 / 33}
MEMBERS_PAGE = 1000


def digest(ids: Iterable[str]) -> str:
    """Return what two sets of ids have in common only if they are the same."""
    return hashlib.blake2b("\n".join(sorted(ids)).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Account:
    """An account as it is when the bench begins: how many customers it shows, and which."""

    tenant: str
    customers: int
    digest: str
    lists: int = 0


class Vendors:
    """The vendors of one bench, seen through their control interface."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.settings: dict[str, str] = told["settings"]
        self.accounts = {name: Account(**facts) for name, facts in told["accounts"].items()}
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{told['port']}/_control/",
            timeout=900,
            # The port is told a moment before anybody listens there.
            transport=httpx.HTTPTransport(retries=5),
        )

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self._client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()

    def render(self) -> None:
        """Put every order and page ready."""
        self._ask("POST", "render")

    def latency(self, seconds: float) -> None:
        """Let every answer take so long."""
        self._ask("DELETE", "faults")
        if seconds:
            self._ask("POST", "faults", pattern="/", times=None, delay=seconds)

    def later(self, minutes: float) -> str:
        """Let time pass at the vendors; return what their clock says then, without a zone."""
        now: str = self._ask("POST", "clock", advance_seconds=minutes * 60)["now"]
        return now[:19]

    def touch(self, vendor: str, count: int) -> None:
        """Change so many customers of an account, spread over it."""
        level = "organizations" if vendor == "loke" else "tenants"
        path = f"{vendor}/{level}/{self.accounts[vendor].tenant}/customers/touch"
        self._ask("POST", path, count=count)
        self.render()

    def rotate(self, count: int) -> int:
        """Let so many members leave every list of LOKE, and as many join; return how many moved."""
        path = f"loke/organizations/{self.accounts['loke'].tenant}/lists/rotate"
        moved: int = self._ask("POST", path, count=count)["moved"]
        self.render()
        return moved

    def asked(self) -> int:
        """Return how many requests came since this was asked last."""
        total: int = self._ask("GET", "requests")["total"]
        self._ask("POST", "requests/reset")
        return total


@contextmanager
def pretended(only: Collection[str], customers: int, **world: int) -> Iterator[Vendors]:
    """Yield vendors that have so many customers each; `world` is LOKE's lists and members."""
    asked = {"only": list(only), "customers": customers, **world}
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.vendors", json.dumps(asked)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert child.stdout is not None  # noqa: S101  it is a pipe
        vendors = Vendors(json.loads(child.stdout.readline()))
        vendors.render()
        yield vendors
    finally:
        child.kill()
        child.communicate()


def _account(simulator: Simulator, vendor: str) -> Account:
    held: Any = simulator.vendors[vendor]
    tenant = next(iter(held.world))
    ids = held.world[tenant].living() if vendor == "foodics" else held.customer_ids(tenant)
    lists = len(held.list_ids(tenant)) if vendor == "loke" else 0
    return Account(tenant, len(ids), digest(ids), lists)


def main() -> None:
    """Serve until killed."""
    asked = json.loads(sys.argv[1])
    only, customers = asked.pop("only"), asked.pop("customers")
    share = min(_FIRST[vendor] for vendor in only)
    simulator = Simulator(customers=ceil(customers / share), only=only, organizations=1, **asked)
    if "loke" in only:
        simulator.loke.switches.members_page_size = MEMBERS_PAGE

    def ready(port: int) -> None:
        # With Basic instead of a token that rotates, any number of projects may read Kounta.
        settings = {
            name: value
            for name, value in settings_for(simulator).items()
            if "__ACCOUNTS__" not in name and not name.endswith("__REFRESH_TOKEN")
        }
        accounts = {vendor: vars(_account(simulator, vendor)) for vendor in only}
        print(json.dumps({"port": port, "settings": settings, "accounts": accounts}), flush=True)

    serve(simulator, 0, ready)


if __name__ == "__main__":
    main()
