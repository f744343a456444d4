"""Foodics' endpoints that read customers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.foodics.paging import Page, listed, one, page_of, refuse
from simulator.foodics.query import Filters, filters_of, includes_of, matches, sort_of, which
from simulator.foodics.switches import shape
from simulator.foodics.world import Business, Order, after, customer_of
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

FILTERS = (
    "name", "email", "phone", "dial_code", "tags.id", "is_blacklisted",
    "is_house_account_enabled", "is_loyalty_enabled", "has_orders", "has_email",
    "has_negative_balance", "updated_after", "created_on", "updated_on", "deleted_on",
    "is_deleted", "id",
)  # fmt: skip
SORTS = (
    "created_at", "updated_at", "last_order_at", "order_count", "name", "email", "is_blacklisted",
    "house_account_balance",
)  # fmt: skip
INCLUDES = ("tags", "addresses", "addresses.delivery_zone")
_CUT = ({"addresses"}, {"tags", "addresses"})  # whose addresses must lose their zones


@dataclass(frozen=True)
class _Chosen:
    """A stretch of keys in rising order, read from its end where it falls."""

    keys: Sequence[str]
    low: int
    falling: bool

    @property
    def total(self) -> int:
        return len(self.keys) - self.low

    def ids(self, page: Page) -> list[str]:
        start, stop = page.bounds
        if self.falling:
            count = len(self.keys)
            return [customer_of(key) for key in self.keys[count - stop : count - start][::-1]]
        return [customer_of(key) for key in self.keys[self.low + start : self.low + stop]]


def customers(foodics: Foodics, request: Request, business: Business, _: Sequence[str]) -> Answer:
    """GET /customers."""
    filters = filters_of(foodics, request, FILTERS)
    name, falling = sort_of(foodics, request, SORTS)
    includes = includes_of(foodics, request, INCLUDES)
    order = Order(name, which(foodics, filters), foodics.switches.ties == "shuffled")
    found = _choose(foodics, business, order, filters, falling=falling)
    page = page_of(foodics, request, found.total)
    ids = found.ids(page)
    return listed(foodics, request, page, _rows(foodics, business, ids, includes))


def _choose(
    foodics: Foodics, business: Business, order: Order, filters: Filters, *, falling: bool
) -> _Chosen:
    """Return what passes the filters; a stretch of the whole order where bisecting will do."""
    inclusive = foodics.switches.updated_after == "inclusive"
    rest = {name: value for name, value in filters.items() if name != "is_deleted"}
    keys, low = business.order(order), 0
    if order.sort == "updated_at" and "updated_after" in rest:
        low = bisect_left(keys, after(rest.pop("updated_after"), inclusive=inclusive))
    if not rest:
        return _Chosen(keys, low, falling)
    if "id" in rest:
        wanted = set(rest["id"].split(",")) & business.customers.keys()
        places = (business.key(business.customer(customer_id), order) for customer_id in wanted)
        floor = keys[low:][:1] or ["\x7f"]
        few = sorted(key for key in places if key is not None and key >= floor[0])
        return _Chosen(_passing(foodics, business, few, rest), 0, falling)

    def make() -> list[str]:
        return _passing(foodics, business, keys[low:], rest)

    key = (order, inclusive, *sorted(filters.items()))
    return _Chosen(business.kept("lists", key, make), 0, falling)


def _passing(
    foodics: Foodics, business: Business, keys: Sequence[str], filters: Filters
) -> list[str]:
    own = {name: value for name, value in filters.items() if name != "tags.id"}
    tags = set(filters["tags.id"].split(",")) if "tags.id" in filters else None
    return [
        key
        for key in keys
        if (tags is None or tags.intersection(business.tags_on(customer_of(key))))
        and (not own or matches(foodics, business.customer(customer_of(key)), own))
    ]


def _rows(
    foodics: Foodics, business: Business, ids: Sequence[str], includes: frozenset[str]
) -> list[bytes]:
    switches, look = foodics.switches, shape(foodics.switches)

    def make() -> list[bytes]:
        return [business.json(customer_id, includes, switches) for customer_id in ids]

    if not any(look) and includes not in _CUT:
        # A join of what is kept; a second copy would cost memory only.
        return make()
    rows: list[bytes] = business.kept("rows", (look, includes, *ids), make)
    return rows


def customer(foodics: Foodics, request: Request, business: Business, ids: Sequence[str]) -> Answer:
    """GET /customers/{customer}."""
    includes = includes_of(foodics, request, INCLUDES)
    refused = unseen(foodics, business, ids[0])
    return refused or one(business.json(ids[0], includes, foodics.switches))


def unseen(
    foodics: Foodics, business: Business, customer_id: str, *, deleted: bool = False
) -> Answer | None:
    """Return the refusal for a customer that is gone, or that we may not see.

    Args:
        foodics: the vendor.
        business: where it would be.
        customer_id: which.
        deleted: whether a soft-deleted one will do.
    """
    switches = foodics.switches
    ends = customer_id in business.deleted and switches.deleted_detail == "gone" and not deleted
    if customer_id not in business.customers or ends:
        return refuse(switches.gone_status)
    if customer_id in business.hidden:
        return refuse(switches.hidden_status)
    return None
