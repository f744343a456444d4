"""LOKE whole: its wire in `respond`, its staff in the methods of `Data`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from simulator.limits import Limit, refusal
from simulator.loke import control, customers, lists, webhooks
from simulator.loke.data import Data
from simulator.loke.paging import CursorError, Page, missing, refuse
from simulator.loke.switches import LokeSwitches, Record, shape, shown
from simulator.loke.tokens import Tokens
from simulator.loke.world import Organization
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.core import Simulator

Handler = Callable[["Loke", Request, Organization, Sequence[str]], Answer]


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would know now: copies, in the vendor's words."""

    organizations: dict[str, Record]
    customers: dict[tuple[str, str], Record]
    lists: dict[tuple[str, str], Record]
    members: dict[tuple[str, str], dict[str, str]]


class Loke(Data):
    """The vendor: `respond` is its wire, the methods of `Data` are its staff."""

    def __init__(
        self,
        simulator: Simulator,
        *,
        customers: int,
        seed: int,
        switches: LokeSwitches | None,
        **world: Any,
    ) -> None:
        super().__init__(
            simulator.clock,
            simulator.lock,
            switches or LokeSwitches(),
            customers=customers,
            seed=seed,
            **world,
        )
        self.client_id, self.client_secret = "regulars-demo", "demo-secret-of-no-value"
        self.tokens = Tokens(self)
        self._simulator = simulator
        self._window = Limit(self.clock, timedelta(minutes=1))

    @property
    def base_url(self) -> str:
        """The API's base address."""
        return f"{self._simulator.base}/loke"

    @property
    def token_url(self) -> str:
        """The address that issues tokens."""
        return f"{self._simulator.base}/loke-auth/token"

    def truth(self) -> Truth:
        """Return what a perfect reader would know now, as the switches have it sent."""
        found, as_kept = Truth({}, {}, {}, {}), not any(shape(self.switches))
        with self.lock:
            for org_id, org in self.world.items():
                found.organizations[org_id] = deepcopy(org.record)
                for customer_id, raw in org.customers.items():
                    if customer_id not in org.hidden:
                        record = orjson.loads(raw)
                        found.customers[org_id, customer_id] = (
                            record if as_kept else shown(record, self.switches)
                        )
                for list_id, entry in org.lists.items():
                    found.lists[org_id, list_id] = lists.list_record(entry, self.switches)
                    found.members[org_id, list_id] = dict(entry.members)
        return found

    def truth_json(self) -> dict[str, Any]:
        """Return the truth with organisations as a level of their own."""
        truth = self.truth()
        answer: dict[str, Any] = {"organizations": truth.organizations}
        for name in ("customers", "lists", "members"):
            part: dict[str, dict[str, Any]] = {org: {} for org in truth.organizations}
            for (org, key), value in getattr(truth, name).items():
                part[org][key] = value
            answer[name] = part
        return answer

    def describe(self) -> dict[str, Any]:
        """Return addresses, the client and every organisation's sizes."""
        return {
            "base_url": self.base_url, "token_url": self.token_url,
            "client_id": self.client_id, "client_secret": self.client_secret,
            "customers": sum(len(org.customers) for org in self.world.values()),
            "organizations": {
                org_id: {
                    "name": org.record["name"], "customers": len(org.customers),
                    "members": sum(len(entry.members) for entry in org.lists.values()),
                    "lists": list(org.lists), "sample": list(org.customers)[:20],
                }
                for org_id, org in self.world.items()
            },
        }  # fmt: skip

    def control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Do what the control interface asks below `loke/`."""
        return control.act(self, method, path, body)

    def render(self) -> None:
        """Put both orders, the members' order and their pages ready."""
        size = self.switches.members_page_size
        for org in self.world.values():
            for sort in customers.SORTS:
                org.order(sort, self.switches)
            for list_id, entry in org.lists.items():
                keys = entry.keys()
                for start in range(0, len(keys), size):
                    lists.members_body(self, org, list_id, Page(keys[start : start + size]))

    def respond(self, request: Request) -> Answer:
        """Answer one request: the limit first, then the token, then the endpoint."""
        if request.path.startswith("/loke-auth"):
            return self.tokens.respond(request)
        limited = self._limit()
        if limited is not None:
            return limited
        status = self.tokens.status(request)
        if status != 200:
            return refuse(self, status, "unauthorized", "access token missing or expired")
        try:
            return self._route(request)
        except CursorError:
            return refuse(self, 400, "bad_request", "after is not a cursor")

    def _route(self, request: Request) -> Answer:
        path, known = request.path.removeprefix("/loke"), False
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(path)
            if not match:
                continue
            known = True
            if method == request.method:
                ids = match.groups()
                org = self.world.get(ids[0]) if ids else Organization({})
                if org is None:
                    return missing(self, "Organization")
                return handler(self, request, org, ids[1:])
        if known:
            return refuse(self, 405, "method_not_allowed", "Method not allowed")
        return missing(self, "Route")

    def _limit(self) -> Answer | None:
        """Refuse what is beyond the limit of a minute, with the header the switch asks for."""
        if self.switches.rate_limit is None:
            return None
        free = self._window.take(self.switches.rate_limit)
        if free is None:
            return None
        answer = refuse(self, 429, "too_many_requests", "Too many requests")
        answer.headers |= refusal(self.switches.rate_limit_header, self.clock.now(), free)
        return answer


def _routes(*rows: tuple[str, str, Handler]) -> list[tuple[str, re.Pattern[str], Handler]]:
    return [
        (method, re.compile(("/organizations" + path).replace("{}", "([^/]+)")), handler)
        for method, path, handler in rows
    ]


ROUTES = _routes(
    ("GET", "", customers.organizations),
    ("GET", "/{}", customers.organization),
    ("GET", "/{}/locations", customers.locations),
    ("GET", "/{}/locations/{}", customers.location),
    ("GET", "/{}/customers", customers.customers),
    ("GET", "/{}/customers/{}", customers.customer),
    ("GET", "/{}/customers/{}/memberships", customers.memberships),
    ("PUT", "/{}/customers/{}/points/{}", customers.put_points),
    ("GET", "/{}/customer-lists", lists.lists),
    ("POST", "/{}/customer-lists", lists.post_list),
    ("GET", "/{}/customer-lists/{}", lists.one_list),
    ("PUT", "/{}/customer-lists/{}", lists.put_list),
    ("DELETE", "/{}/customer-lists/{}", lists.delete_list),
    ("GET", "/{}/customer-lists/{}/members", lists.members),
    ("PUT", "/{}/customer-lists/{}/members", lists.put_members),
    ("PUT", "/{}/customer-lists/{}/members/{}", lists.put_member),
    ("DELETE", "/{}/customer-lists/{}/members/{}", lists.delete_member),
    ("GET", "/{}/webhooks", webhooks.webhooks),
    ("PUT", "/{}/webhooks/{}", webhooks.put_webhook),
    ("DELETE", "/{}/webhooks/{}", webhooks.delete_webhook),
)
