"""LOKE's endpoints for organisations, locations and customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from simulator.loke.paging import Page, missing, page_of, refuse
from simulator.loke.switches import Record, shape, shown
from simulator.loke.world import Organization, customer_of
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.loke.wire import Loke

SORTS = ("created", "updated")


def organizations(loke: Loke, request: Request, _: Organization, __: Sequence[str]) -> Answer:
    """GET /organizations."""
    wanted = request.params.get("query", "").lower()
    ids = sorted(
        org_id for org_id, org in loke.world.items() if wanted in org.record["name"].lower()
    )
    page = page_of(loke, request, ids, loke.switches.organizations_page_size)
    return ok([loke.world[org_id].record for org_id in page.keys], headers=page.headers)


def organization(_: Loke, __: Request, org: Organization, ___: Sequence[str]) -> Answer:
    """GET /organizations/{org}."""
    return ok(org.record)


def _location(org: Organization) -> Record:
    return {
        "id": org.record["id"], "name": org.record["name"], "country": "AU",
        "locality": "Testville", "region": "NSW", "postalCode": "2000", "slug": "main",
        "streetAddress": "1 Test St", "streetAddress2": None, "latitude": -33.86,
        "longitude": 151.2, "phoneNumber": "+61255500000", "timezone": org.record["timezone"],
    }  # fmt: skip


def locations(_: Loke, __: Request, org: Organization, ___: Sequence[str]) -> Answer:
    """GET …/locations: one for each organisation."""
    return ok([_location(org)])


def location(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/locations/{location}."""
    record = _location(org)
    return ok(record) if record["id"] == ids[0] else missing(loke, "Location")


def customers(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """GET …/customers, newest first by `created` (default) or `updated`."""
    sort = request.params.get("sort", "created")
    if sort not in SORTS:
        return refuse(loke, 400, "bad_request", "sort must be created or updated")
    keys: Sequence[str] = org.order(sort, loke.switches)
    for name in ("email", "phoneNumber"):
        if name in request.params:
            wanted = request.params[name].strip().lower()
            keys = [key for key in keys if _value(org, customer_of(key), name) == wanted]
    falling = sort == "created" or loke.switches.direction == "descending"
    page = page_of(loke, request, keys, loke.switches.page_size, falling=falling)
    return ok(body_of(loke, org, page), headers=page.headers)


def _value(org: Organization, customer_id: str, name: str) -> str | None:
    value = orjson.loads(org.customers[customer_id]).get(name)
    return value.strip().lower() if isinstance(value, str) else None


def body_of(loke: Loke, org: Organization, page: Page) -> bytes:
    """Return the JSON of a page of customers."""
    raws = [org.customers[customer_of(key)] for key in page.keys]
    look = shape(loke.switches)
    if not any(look):
        # As they are kept, so that a page costs one join; a second copy would cost memory only.
        return b"[" + b",".join(raws) + b"]"

    def make() -> bytes:
        return orjson.dumps([shown(orjson.loads(raw), loke.switches) for raw in raws])

    key = ("customers", look, len(raws), page.keys[0], page.keys[-1]) if raws else ("customers",)
    return org.rendered(key, make)


def customer(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customers/{customer}."""
    refused = _unseen(loke, org, ids[0])
    return refused or ok(shown(orjson.loads(org.customers[ids[0]]), loke.switches))


def memberships(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customers/{customer}/memberships."""
    refused = _unseen(loke, org, ids[0])
    if refused:
        return refused
    on = sorted(list_id for list_id, entry in org.lists.items() if ids[0] in entry.members)
    page = page_of(loke, request, on, loke.switches.memberships_page_size)
    tiny = [{"id": list_id, "name": org.lists[list_id].record["name"]} for list_id in page.keys]
    return ok(tiny, headers=page.headers)


def put_points(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customers/{customer}/points/{reference}: moves the balance, not updatedAt."""
    refused, amount = _unseen(loke, org, ids[0]), request.object().get("amount")
    if refused:
        return refused
    if not isinstance(amount, int) or isinstance(amount, bool):
        return refuse(loke, 400, "bad_request", "amount must be an integer")
    statistics = loke.customer(org.record["id"], ids[0]).get("statistics") or {}
    balance = statistics.get("pointsBalance", 0) + amount
    loke.update_statistics(org.record["id"], ids[0], pointsBalance=balance)
    return ok({"amount": amount, "reference": ids[1]})


def _unseen(loke: Loke, org: Organization, customer_id: str) -> Answer | None:
    """Return the refusal for a customer that is gone, or that we may not see."""
    if customer_id not in org.customers:
        return refuse(loke, loke.switches.gone_status, "not_found", "Customer not found")
    if customer_id in org.hidden:
        status = loke.switches.hidden_status
        return refuse(loke, status, "not_found" if status == 404 else "forbidden", "Not permitted")
    return None
