"""Foodics' endpoints beside customers: who am I, settings, tags, addresses, delivery zones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

import orjson

from simulator.foodics.paging import listed, one, page_of, refuse
from simulator.foodics.query import chosen, filters_of, includes_of, sort_of
from simulator.foodics.switches import FoodicsSwitches, Record
from simulator.foodics.world import Business
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

TAG_FILTERS = (
    "name", "name_localized", "id", "type", "updated_after", "created_on", "updated_on",
    "deleted_on", "is_deleted",
)  # fmt: skip
ADDRESS_FILTERS = (
    "customer_id", "id", "name", "longitude", "updated_after", "updated_on", "deleted_on",
    "is_deleted",
)  # fmt: skip
_COUNTED = ("customersCount", "productsCount", "ordersCount")
_AROUND = ("customer", "delivery_zone")


def whoami(foodics: Foodics, _: Request, business: Business, __: Sequence[str]) -> Answer:
    """GET /whoami."""
    user = {"id": str(uuid5(UUID(business.record["id"]), "user")), "name": "Demo API user"}
    scopes = list(foodics.switches.scopes)
    return one({"business": business.record, "user": user, "scopes": scopes})


def settings(_: Foodics, __: Request, business: Business, ___: Sequence[str]) -> Answer:
    """GET /settings."""
    return one(business.settings)


def tags(foodics: Foodics, request: Request, business: Business, _: Sequence[str]) -> Answer:
    """GET /tags."""
    counted = "customersCount" in includes_of(foodics, request, _COUNTED)
    records = (
        tag_record(business, tag, foodics.switches, counted=counted)
        for tag in business.tags.values()
    )
    sorts = ("created_at", "updated_at")
    return _list(foodics, request, records, TAG_FILTERS, sorts)


def tag(foodics: Foodics, request: Request, business: Business, ids: Sequence[str]) -> Answer:
    """GET /tags/{tag}."""
    counted = "customersCount" in includes_of(foodics, request, _COUNTED)
    found = business.tags.get(ids[0])
    if found is None or found["deleted_at"]:
        return refuse(404)
    return one(tag_record(business, found, foodics.switches, counted=counted))


def tag_record(
    business: Business, tag: Record, switches: FoodicsSwitches, *, counted: bool
) -> Record:
    """Return a tag as it is sent, with the number of its customers if asked and not missing."""
    if not counted or switches.tags_count == "missing":
        return dict(tag)
    late = 7 if switches.tags_count == "stale" else 0
    count = 0 if tag["deleted_at"] else business.tag_counts().get(tag["id"], 0)
    return {**tag, "customers_count": count + late}


def addresses(foodics: Foodics, request: Request, business: Business, _: Sequence[str]) -> Answer:
    """GET /addresses."""
    includes = includes_of(foodics, request, _AROUND)
    sorts = ("created_at", "updated_at", "name", "customer_id")
    return _list(foodics, request, _addresses(business), ADDRESS_FILTERS, sorts, includes)


def address(foodics: Foodics, request: Request, business: Business, ids: Sequence[str]) -> Answer:
    """GET /addresses/{address}."""
    includes = includes_of(foodics, request, _AROUND)
    for found in _addresses(business):
        if found["id"] == ids[0] and not found["deleted_at"]:
            return one(_cut(found, includes))
    return refuse(404)


def _addresses(business: Business) -> list[Record]:
    def make() -> list[Record]:
        seen = [one for one in business.visible() if one in business.addresses_of]
        living = [
            {**record, "customer": {"id": customer_id}}
            for customer_id in seen
            for record in orjson.loads(business.addresses_of[customer_id])
        ]
        former = business.former_addresses
        return living + [one for one in former if one["customer"]["id"] not in business.hidden]

    records: list[Record] = business.kept("lists", ("addresses",), make)
    return records


def _cut(record: Record, includes: Collection[str]) -> Record:
    return {
        name: value for name, value in record.items() if name not in _AROUND or name in includes
    }


def zones(foodics: Foodics, request: Request, business: Business, _: Sequence[str]) -> Answer:
    """GET /delivery_zones."""
    sorts = ("created_at", "updated_at", "name")
    return _list(foodics, request, business.zones.values(), TAG_FILTERS, sorts)


def _list(
    foodics: Foodics,
    request: Request,
    records: Iterable[Record],
    filters: Collection[str],
    sorts: Collection[str],
    includes: Collection[str] = (),
) -> Answer:
    name, falling = sort_of(foodics, request, sorts)
    found = chosen(foodics, records, filters_of(foodics, request, filters), (name, falling))
    page = page_of(foodics, request, len(found))
    start, stop = page.bounds
    rows = (orjson.dumps(_cut(record, includes)) for record in found[start:stop])
    return listed(foodics, request, page, rows)
