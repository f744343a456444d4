"""What LOKE's endpoints that write answer, and its webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.hooks import Answer
from simulator.loke.pages import list_record, missing, ok, refuse
from simulator.loke.world import Organization

if TYPE_CHECKING:
    from simulator.core import Request
    from simulator.loke.wire import Loke


def put_points(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customers/{customer}/points/{reference}: moves the balance, not updatedAt."""
    body = request.json()
    if ids[0] not in org.customers:
        return missing("Customer")
    if not isinstance(body, dict) or not isinstance(body.get("amount"), int):
        return refuse(400, "bad_request", "amount must be an integer")
    statistics = loke.customer(org.record["id"], ids[0]).get("statistics") or {}
    balance = statistics.get("pointsBalance", 0) + body["amount"]
    loke.update_statistics(org.record["id"], ids[0], pointsBalance=balance)
    return ok({"amount": body["amount"], "reference": ids[1]})


def _name_of(request: Request) -> str | None:
    body = request.json()
    name = body.get("name") if isinstance(body, dict) else None
    return name if isinstance(name, str) and name else None


def post_list(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """POST …/customer-lists."""
    name = _name_of(request)
    if name is None:
        return refuse(400, "bad_request", "name is required")
    if any(entry.record["name"] == name for entry in org.lists.values()):
        return refuse(409, "conflict", "A list of this name exists")
    list_id = loke.create_list(org.record["id"], name)
    return ok(list_record(org.lists[list_id], loke.switches), 201)


def put_list(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}: a new name."""
    name, refused = _name_of(request), _not_ours(org, ids[0], "conflict")
    if refused is not None:
        return refused
    if name is None:
        return refuse(400, "bad_request", "name is required")
    loke.rename_list(org.record["id"], ids[0], name)
    return ok(list_record(org.lists[ids[0]], loke.switches))


def delete_list(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/customer-lists/{list}."""
    refused = _not_ours(org, ids[0], "conflict")
    if refused is None:
        loke.delete_list(org.record["id"], ids[0])
    return refused or Answer(204)


def _not_ours(org: Organization, list_id: str, code: str) -> Answer | None:
    if list_id not in org.lists:
        return missing("Customer list")
    if not org.lists[list_id].ours:
        return refuse(409, code, "Only the client that created a list may change it")
    return None


def put_members(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}/members: these and no others; an empty array clears."""
    refused, body = _not_ours(org, ids[0], "read_only"), request.json()
    wanted = body.get("customerIds") if isinstance(body, dict) else None
    if refused is not None:
        return refused
    if not isinstance(wanted, list):
        return refuse(400, "bad_request", "customerIds is required")
    if any(member not in org.customers for member in wanted):
        return missing("Customer")
    loke.set_members(org.record["id"], ids[0], wanted)
    return Answer(204)


def put_member(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}/members/{customer}."""
    refused = _not_ours(org, ids[0], "read_only")
    if refused is None and ids[1] not in org.customers:
        refused = missing("Customer")
    if refused is None:
        loke.add_member(org.record["id"], ids[0], ids[1])
    return refused or Answer(204)


def delete_member(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/customer-lists/{list}/members/{customer}."""
    refused = _not_ours(org, ids[0], "read_only")
    if refused is None:
        loke.remove_member(org.record["id"], ids[0], ids[1])
    return refused or Answer(204)


_EVENTS = {
    "customer.created", "customer.updated", "customer.updated-statistics", "payment.completed",
    "payment.refunded",
}  # fmt: skip


def webhooks(_: Loke, __: Request, org: Organization, ___: Sequence[str]) -> Answer:
    """GET …/webhooks."""
    return ok(list(org.webhooks.values()))


def put_webhook(_: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/webhooks/{ref}: kept, never delivered."""
    body = request.json()
    if not isinstance(body, dict) or not body.get("url") or set(body.get("events", ())) - _EVENTS:
        return refuse(400, "bad_request", "url and known events are required")
    org.webhooks[ids[0]] = {"ref": ids[0], "url": body["url"], "events": body.get("events", [])}
    return ok(org.webhooks[ids[0]])


def delete_webhook(_: Loke, __: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/webhooks/{ref}."""
    return Answer(204) if org.webhooks.pop(ids[0], None) else missing("Webhook")
