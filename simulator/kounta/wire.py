"""Kounta whole: its wire in `respond`, its staff in the methods of `Data`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from simulator.kounta import control, customers, webhooks, writes
from simulator.kounta.data import Data
from simulator.kounta.paging import PageError, missing, refuse
from simulator.kounta.switches import KountaSwitches, Record, whole
from simulator.kounta.tokens import Tokens
from simulator.kounta.world import Company
from simulator.limits import Limit, refusal
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.core import Simulator

Handler = Callable[["Kounta", Request, Company, Sequence[str]], Answer]

_PREFIX = "/kounta/v1"
_KIND = "tag"


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would know now: copies, in the vendor's words.

    Lists and members go by (tenant, kind, list id): the kind is `tag`, the tag its own id. Members
    have no time of joining. Stamps in customers are those of an answer sent now.
    """

    tenants: dict[str, Record] = field(default_factory=dict)
    customers: dict[tuple[str, str], Record] = field(default_factory=dict)
    lists: dict[tuple[str, str, str], Record] = field(default_factory=dict)
    members: dict[tuple[str, str, str], dict[str, str | None]] = field(default_factory=dict)


class Kounta(Data):
    """The vendor: `respond` is its wire, the methods of `Data` are its staff."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        customers: int,
        seed: int,
        switches: KountaSwitches | None,
        **world: Any,
    ) -> None:
        super().__init__(
            simulator.clock,
            simulator.lock,
            switches or KountaSwitches(),
            customers=customers,
            seed=seed,
            **world,
        )
        self.tokens = Tokens(self, seed)
        self._simulator = simulator
        self._windows = {tenant: Limit(self.clock, timedelta(minutes=1)) for tenant in self.world}

    @property
    def base_url(self) -> str:
        """The API's base address."""
        return f"{self._simulator.base}{_PREFIX}"

    @property
    def token_url(self) -> str:
        """The address that issues tokens."""
        return f"{self.base_url}/token.json"

    def client_id(self, tenant: str) -> str:
        """Return the id of a company's client."""
        return self.world[tenant].client_id

    def client_secret(self, tenant: str) -> str:
        """Return the secret of a company's client."""
        return self.world[tenant].client_secret

    def refresh_token(self, tenant: str) -> str:
        """Return the refresh token that is valid now."""
        return self.tokens.refresh[tenant]

    def authorization_code(self, tenant: str) -> str:
        """Return a code as a company's owner who consents would send one; it works once."""
        with self.lock:
            return self.tokens.code(tenant)

    def now(self) -> str:
        """Return the stamp of a record sent now."""
        return self.written(self.clock.now())

    def written(self, moment: datetime) -> str:
        """Return a moment as Kounta writes it: ISO 8601, whole seconds, with its offset."""
        zone = timezone(timedelta(hours=self.switches.offset_hours))
        return moment.astimezone(zone).isoformat(timespec="seconds")

    def truth(self) -> Truth:
        """Return what a perfect reader would know now, as the switches have it sent.

        A list that leaves tags out says nothing of them: they stay in `members`.
        """
        found = Truth()
        with self.lock:
            now = self.now()
            for tenant, company in self.world.items():
                found.tenants[tenant] = customers.company_record(self, company)
                for number in company.ids():
                    record, customer_id = company.record(number), str(number)
                    for tag in record.get("tags") or ():
                        key = tenant, _KIND, tag
                        found.lists.setdefault(key, {"id": tag, "name": tag})
                        found.members.setdefault(key, {})[customer_id] = None
                    found.customers[tenant, customer_id] = whole(record, self.switches, now)
        return found

    def truth_json(self) -> dict[str, Any]:
        """Return the truth with tenants, and kinds of lists, as levels of their own."""
        truth = self.truth()
        answer: dict[str, Any] = {
            "tenants": truth.tenants,
            **{
                name: {tenant: {} for tenant in truth.tenants}
                for name in ("customers", "lists", "members")
            },
        }
        for (tenant, customer_id), record in truth.customers.items():
            answer["customers"][tenant][customer_id] = record
        for name in ("lists", "members"):
            for (tenant, kind, list_id), value in getattr(truth, name).items():
                answer[name][tenant].setdefault(kind, {})[list_id] = value
        return answer

    def describe(self) -> dict[str, Any]:
        """Return addresses, and every company's credential and size."""
        return {
            "base_url": self.base_url, "token_url": self.token_url,
            "customers": sum(len(company.heads) for company in self.world.values()),
            "tenants": {
                tenant: {
                    "name": company.name, "client_id": company.client_id,
                    "client_secret": company.client_secret,
                    "refresh_token": self.refresh_token(tenant),
                    "customers": len(company.heads), "sample": self.customer_ids(tenant)[:20],
                }
                for tenant, company in self.world.items()
            },
        }  # fmt: skip

    def control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Do what the control interface asks below `kounta/`."""
        return control.act(self, method, path, body)

    def render(self) -> None:
        """Put the order of every company ready; pages are joined from what is kept."""
        for company in self.world.values():
            company.ids()

    def respond(self, request: Request) -> Answer:
        """Answer one request: its form first, then who asks, then the limit, then the endpoint."""
        path = request.path.removeprefix(_PREFIX)
        if path == request.path:
            return missing()
        plain = path.removesuffix(".json")
        if plain == "/token":
            return self.tokens.respond(request)
        if plain == path and not self._acceptable(request.headers.get("accept")):
            return refuse(406, "not_acceptable", "Accept must be application/json")
        tenant = self.tokens.tenant(request)
        if isinstance(tenant, Answer):
            return tenant
        answer, budget = self._limited(tenant), self._budget(tenant)
        if answer:
            # What tells a refused one when to come back is the switch's alone.
            budget.pop("x-ratelimit-reset")
        else:
            answer = self._answer(request, plain, tenant)
        answer.headers = budget | answer.headers
        return answer

    def _answer(self, request: Request, path: str, tenant: str) -> Answer:
        try:
            return self._route(request, path, tenant)
        except PageError:
            return refuse(400, "invalid_request", "start and X-Page must be numbers")

    def _acceptable(self, accept: str | None) -> bool:
        if self.switches.accept == "lenient" and (accept is None or "*/*" in accept):
            return True
        return accept is not None and "application/json" in accept.lower()

    def _route(self, request: Request, path: str, tenant: str) -> Answer:
        known = False
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if not match:
                continue
            known = True
            if method != request.method:
                continue
            named, *ids = match.groups() or (tenant,)
            if named != tenant:
                return refuse(403, "forbidden", "The credential is for another company")
            typed = "json" in request.headers.get("content-type", "")
            if method in ("POST", "PUT") and not typed:
                return refuse(400, "invalid_request", "Content-Type must be application/json")
            return handler(self, request, self.world[tenant], ids)
        if known:
            return refuse(405, "method_not_allowed", "The method is not allowed here")
        return missing()

    def _limited(self, tenant: str) -> Answer | None:
        """Refuse what is beyond the limit of a minute, with the header the switch asks for."""
        if self.switches.rate_limit is None:
            return None
        free = self._windows[tenant].take(self.switches.rate_limit)
        if free is None:
            return None
        status = 400 if self.switches.limit_body else 429
        answer = refuse(status, "limit_exceeded", "Limit exceeded")
        answer.headers |= refusal(self.switches.rate_limit_header, self.clock.now(), free)
        return answer

    def _budget(self, tenant: str) -> dict[str, str]:
        """Return the headers that tell what is left of the minute."""
        limit, window = self.switches.rate_limit, self._windows[tenant]
        if limit is None:
            return {}
        return {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": str(window.left(limit)),
            "x-ratelimit-reset": str(int(window.resets().timestamp())),
        }


def _routes(*rows: tuple[str, str, Handler]) -> list[tuple[str, re.Pattern[str], Handler]]:
    return [
        (method, re.compile("/companies" + path.replace("{}", "([0-9]+)")), handler)
        for method, path, handler in rows
    ]


ROUTES = _routes(
    ("GET", "/me", customers.me),
    ("GET", "/{}/customers", customers.customers),
    ("POST", "/{}/customers", writes.post_customer),
    ("GET", "/{}/customers/{}", customers.customer),
    ("PUT", "/{}/customers/{}", writes.put_customer),
    ("GET", "/{}/customers/{}/addresses", customers.addresses),
    ("GET", "/{}/customers/{}/orders", customers.orders),
    ("GET", "/{}/webhooks", webhooks.webhooks),
    ("POST", "/{}/webhooks", webhooks.post_webhook),
    ("GET", "/{}/webhooks/{}", webhooks.webhook),
    ("PUT", "/{}/webhooks/{}", webhooks.put_webhook),
    ("DELETE", "/{}/webhooks/{}", webhooks.delete_webhook),
)
