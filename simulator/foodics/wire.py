"""Foodics whole: its wire in `respond`, its staff in the methods of `Data` and `Labels`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.foodics import catalogue, control, customers, writes
from simulator.foodics.access import Access
from simulator.foodics.labels import Labels
from simulator.foodics.paging import Refused, refuse
from simulator.foodics.switches import FoodicsSwitches, Record
from simulator.foodics.world import Business, Order
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.core import Simulator

Handler = Callable[["Foodics", Request, Business, Sequence[str]], Answer]


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would know now: copies, in the vendor's words; the living only."""

    tenants: dict[str, Record]
    customers: dict[tuple[str, str], Record]
    lists: dict[tuple[str, str, str], Record]
    members: dict[tuple[str, str, str], dict[str, str | None]]


class Foodics(Labels):
    """The vendor: `respond` is its wire, the methods of `Data` and `Labels` are its staff."""

    prefix = "/foodics/v5"

    def __init__(
        self,
        simulator: Simulator,
        *,
        customers: int,
        seed: int,
        switches: FoodicsSwitches | None,
        **world: Any,
    ) -> None:
        super().__init__(
            simulator.clock,
            simulator.lock,
            switches or FoodicsSwitches(),
            customers=customers,
            seed=seed,
            **world,
        )
        self.access = Access(self)
        self._simulator = simulator

    @property
    def base_url(self) -> str:
        """The API's base address."""
        return f"{self._simulator.base}{self.prefix}"

    def token(self, tenant: str) -> str:
        """Return the token of a business."""
        return self.access.token(tenant)

    def revoke(self, tenant: str) -> None:
        """End a business's token; `token` tells the new one."""
        with self.lock:
            self.access.revoke(tenant)

    def truth(self) -> Truth:
        """Return what a perfect reader would know now, as the switches have it sent."""
        found = Truth({}, {}, {}, {})
        with self.lock:
            for tenant, business in self.world.items():
                found.tenants[tenant] = business.record | business.settings
                for tag_id, tag in business.tags.items():
                    if not tag["deleted_at"]:
                        record = catalogue.tag_record(business, tag, self.switches, counted=True)
                        found.lists[tenant, "tag", tag_id] = record
                        found.members[tenant, "tag", tag_id] = {}
                for customer_id in business.visible():
                    record = self.full(business, customer_id, self.switches)
                    found.customers[tenant, customer_id] = record
                    for tag_id in business.tags_on(customer_id):
                        found.members[tenant, "tag", tag_id][customer_id] = None
        return found

    def truth_json(self) -> dict[str, Any]:
        """Return the truth with businesses, and kinds of lists, as levels of their own."""
        truth = self.truth()
        answer: dict[str, Any] = {"tenants": truth.tenants}
        for name in ("customers", "lists", "members"):
            part: dict[str, dict[str, Any]] = {tenant: {} for tenant in truth.tenants}
            for (tenant, *path), value in getattr(truth, name).items():
                inner = part[tenant]
                for step in path[:-1]:
                    inner = inner.setdefault(step, {})
                inner[path[-1]] = value
            answer[name] = part
        return answer

    def describe(self) -> dict[str, Any]:
        """Return the address, the tokens and every business's sizes."""
        living = {tenant: business.living() for tenant, business in self.world.items()}
        return {
            "base_url": self.base_url,
            "customers": sum(map(len, living.values())),
            "tenants": {
                tenant: {
                    "name": business.record["name"], "token": self.token(tenant),
                    "customers": len(living[tenant]), "deleted": len(business.deleted),
                    "members": sum(business.tag_counts().values()),
                    "tags": self.tag_ids(tenant), "sample": living[tenant][:20],
                }
                for tenant, business in self.world.items()
            },
        }  # fmt: skip

    def control(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Do what the control interface asks below `foodics/`."""
        return control.act(self, method, path, body)

    def render(self) -> None:
        """Put ready the orders that a reader asks for."""
        shuffled = self.switches.ties == "shuffled"
        pool = self.switches.default_list
        for business in self.world.values():
            for sort, which in (("created_at", pool), ("updated_at", pool)):
                business.order(Order(sort, which, shuffled))
            business.order(Order("updated_at", "deleted", shuffled))

    def respond(self, request: Request) -> Answer:
        """Answer one request: the limit first, then the token, the scope, the endpoint."""
        refused, headers = self.access.limited(request)
        answer = refused or self._admitted(request)
        answer.headers |= headers
        return answer

    def _admitted(self, request: Request) -> Answer:
        business = self.access.business(request)
        if business is None:
            return refuse(401)
        try:
            return self._route(request, business)
        except Refused as refused:
            return refused.answer

    def _route(self, request: Request, business: Business) -> Answer:
        path, known = request.path.removeprefix(self.prefix), False
        for method, pattern, scope, handler in ROUTES:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                if scope and scope not in self.switches.scopes:
                    return refuse(403)
                return handler(self, request, business, match.groups())
            known = known or bool(match)
        return refuse(405 if known else 404)


def _routes(
    *rows: tuple[str, str, str, Handler],
) -> list[tuple[str, re.Pattern[str], str, Handler]]:
    return [
        (method, re.compile(path.replace("{}", "([^/]+)")), scope, handler)
        for method, path, scope, handler in rows
    ]


ROUTES = _routes(
    ("GET", "/whoami", "", catalogue.whoami),
    ("GET", "/settings", "general.read", catalogue.settings),
    ("GET", "/customers", "customers.list", customers.customers),
    ("GET", "/customers/{}", "customers.get", customers.customer),
    ("POST", "/customers", "customers.write", writes.post_customer),
    ("PUT", "/customers/{}", "customers.write", writes.put_customer),
    ("DELETE", "/customers/{}", "admin.write", writes.delete_customer),
    ("PUT", "/customers/{}/restore", "admin.restore", writes.put_restore),
    ("GET", "/addresses", "customers.list", catalogue.addresses),
    ("GET", "/addresses/{}", "customers.get", catalogue.address),
    ("GET", "/tags", "general.read", catalogue.tags),
    ("GET", "/tags/{}", "general.read", catalogue.tag),
    ("GET", "/delivery_zones", "general.read", catalogue.zones),
)
