"""Collins whole: its wire in `respond`, its staff in the methods of `Data`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from simulator.collins import control, customers, venues
from simulator.collins.data import Data
from simulator.collins.errors import Invalid, missing, too_many, unauthenticated
from simulator.collins.search import put_ready
from simulator.collins.switches import CollinsSwitches
from simulator.collins.truth import Truth, truth_of
from simulator.collins.world import Account
from simulator.limits import Limit, refusal
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.core import Simulator

Handler = Callable[["Collins", Request, Account, Sequence[str]], Answer]


class Collins(Data):
    """The vendor: `respond` is its wire, the methods of `Data` are its staff."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        customers: int,
        seed: int,
        switches: CollinsSwitches | None = None,
        **_: Any,
    ) -> None:
        super().__init__(
            simulator.clock,
            simulator.lock,
            switches or CollinsSwitches(),
            customers=customers,
            seed=seed,
        )
        self._simulator = simulator
        self._tenants = {self.token(tenant): tenant for tenant in self.tenants}
        # Requests without a token of ours share a limit.
        self._limits = {name: Limit(self.clock, timedelta(hours=1)) for name in (*self.world, "")}

    @property
    def base_url(self) -> str:
        """The API's base address."""
        return f"{self._simulator.base}/collins/api"

    def token(self, tenant: str) -> str:
        """Return the token that sees this account and no other; it never ends."""
        return f"{tenant}-token-of-no-value"

    def truth(self) -> Truth:
        """Return what a perfect reader would know now, as the switches have it sent."""
        with self.lock:
            return truth_of(self.world, self.switches)

    def truth_json(self) -> dict[str, Any]:
        """Return the truth with accounts, and kinds of list, as levels of their own."""
        return self.truth().json()

    def describe(self) -> dict[str, Any]:
        """Return the address, and every account's token and size."""
        return {
            "base_url": self.base_url,
            "customers": sum(len(account.customers) for account in self.world.values()),
            "tenants": {
                tenant: {
                    "token": self.token(tenant),
                    "customers": len(account.customers),
                    "sample": list(account.customers)[:20],
                    "venue_group": account.group,
                    "venues": list(account.venues),
                    "marketing_preferences": list(account.preferences),
                }
                for tenant, account in self.world.items()
            },
        }

    def control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Do what the control interface asks below `collins/`."""
        return control.act(self, method, path, body)

    def render(self) -> None:
        """Put the orders ready; a page is no more than a join."""
        for account in self.world.values():
            put_ready(account, self.switches)

    def respond(self, request: Request) -> Answer:
        """Answer one request: the limit first, then the token, then the endpoint."""
        tenant = self._tenant(request)
        headers, refused = self._limited(tenant or "")
        if refused:
            answer = too_many()
        elif tenant is None:
            answer = unauthenticated()
        else:
            try:
                answer = self._route(request, self.world[tenant])
            except Invalid as invalid:
                answer = invalid.answer()
        answer.headers |= headers
        return answer

    def _tenant(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._tenants.get(token) if scheme.lower() == "bearer" else None

    def _route(self, request: Request, account: Account) -> Answer:
        path, known = request.path.removeprefix("/collins/api"), False
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            known = known or match is not None
            if match and method == request.method:
                return handler(self, request, account, match.groups())
        if known:
            message = f"The {request.method} method is not supported for this route."
            return ok({"message": message}, 405)
        return missing()

    def _limited(self, tenant: str) -> tuple[dict[str, str], bool]:
        """Count a request; return the headers of its answer, and whether it is refused."""
        most, form = self.switches.rate_limit, self.switches.rate_limit_header
        if most is None:
            return {}, False
        limit = self._limits[tenant]
        free = limit.take(most)
        headers = {"x-ratelimit-limit": str(most), "x-ratelimit-remaining": str(limit.left(most))}
        if form == "none":
            headers = {}
        if free is not None:
            return {**headers, **refusal(form, self.clock.now(), free)}, True
        told = "reset_epoch" if form == "reset_epoch" else "reset_iso"
        resets = {} if form == "none" else refusal(told, self.clock.now(), _whole(limit.resets()))
        return {**headers, **resets}, False


def _whole(moment: datetime) -> datetime:
    """Return the moment in whole seconds, rounded up as the refusals are."""
    return (moment + timedelta(seconds=1)).replace(microsecond=0)


def _routes(*rows: tuple[str, str, Handler]) -> list[tuple[str, re.Pattern[str], Handler]]:
    return [
        (method, re.compile(path.replace("{}", "([^/]+)")), handler)
        for method, path, handler in rows
    ]


ROUTES = _routes(
    ("GET", "/customers", customers.customers),
    ("POST", "/customers", customers.post_customer),
    ("GET", "/customers/{}", customers.customer),
    ("PUT", "/customers/{}", customers.put_customer),
    ("DELETE", "/customers/{}", customers.delete_customer),
    ("GET", "/venues", venues.venues),
    ("GET", "/venues/{}", venues.venue),
    ("GET", "/venues/{}/marketing-preferences", venues.venue_preferences),
    ("GET", "/venue-groups/{}/marketing-preferences", venues.group_preferences),
)
