"""LOKE's endpoints for customer lists and their members, reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from simulator.loke.paging import Page, missing, page_of, refuse
from simulator.loke.switches import LokeSwitches, Record
from simulator.loke.world import CustomerList, Organization, member_of
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.loke.wire import Loke

_SHOWN = ("email", "firstName", "lastName", "phoneNumber")


def list_record(entry: CustomerList, switches: LokeSwitches) -> Record:
    """Return a list's record as the switches have it sent."""
    if switches.member_count == "missing":
        return dict(entry.record)
    late = 7 if switches.member_count == "stale" else 0
    return {**entry.record, "memberCount": len(entry.members) + late}


def lists(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """GET …/customer-lists."""
    page = page_of(loke, request, sorted(org.lists), loke.switches.lists_page_size)
    records = [list_record(org.lists[list_id], loke.switches) for list_id in page.keys]
    return ok(records, headers=page.headers)


def one_list(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customer-lists/{list}."""
    entry = org.lists.get(ids[0])
    return ok(list_record(entry, loke.switches)) if entry else missing(loke, "Customer list")


def post_list(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """POST …/customer-lists."""
    name = _name_of(request)
    refused = _unfit(loke, org, name)
    if refused:
        return refused
    list_id = loke.create_list(org.record["id"], name)
    return ok(list_record(org.lists[list_id], loke.switches), 201)


def put_list(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}: a new name."""
    name = _name_of(request)
    refused = _not_ours(loke, org, ids[0], "conflict") or _unfit(loke, org, name, ids[0])
    if refused:
        return refused
    loke.rename_list(org.record["id"], ids[0], name)
    return ok(list_record(org.lists[ids[0]], loke.switches))


def delete_list(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/customer-lists/{list}."""
    refused = _not_ours(loke, org, ids[0], "conflict")
    if refused is None:
        loke.delete_list(org.record["id"], ids[0])
    return refused or Answer(204)


def members(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customer-lists/{list}/members, in the order they were added."""
    entry = org.lists.get(ids[0])
    if entry is None:
        return missing(loke, "Customer list")
    page = page_of(loke, request, entry.keys(), loke.switches.members_page_size)
    return ok(members_body(loke, org, ids[0], page), headers=page.headers)


def members_body(loke: Loke, org: Organization, list_id: str, page: Page) -> bytes:
    """Return the JSON of a page of members."""
    entry, nulls = org.lists[list_id], loke.switches.absent == "null"

    def make() -> bytes:
        ids = [member_of(key) for key in page.keys]
        return orjson.dumps([_member(org, one, entry.members[one], nulls=nulls) for one in ids])

    if not page.keys:
        return b"[]"
    return org.rendered((list_id, nulls, len(page.keys), page.keys[0], page.keys[-1]), make)


def _member(org: Organization, customer_id: str, added: str, *, nulls: bool) -> Record:
    raw = org.customers.get(customer_id)
    # A list may name a customer that the account does not have.
    person = orjson.loads(raw) if raw else {"firstName": "Gone", "lastName": "Guest"}
    shown = {name: person.get(name) for name in _SHOWN if nulls or name in person}
    return {"id": customer_id, "addedAt": added, **shown}


def put_members(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}/members: these and no others; an empty array clears."""
    refused = _not_ours(loke, org, ids[0], "read_only")
    wanted = request.object().get("customerIds")
    if refused:
        return refused
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        return refuse(loke, 400, "bad_request", "customerIds must be an array of ids")
    if any(one not in org.customers for one in wanted):
        return missing(loke, "Customer")
    loke.set_members(org.record["id"], ids[0], wanted)
    return Answer(204)


def put_member(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/customer-lists/{list}/members/{customer}."""
    refused = _not_ours(loke, org, ids[0], "read_only")
    if refused is None and ids[1] not in org.customers:
        refused = missing(loke, "Customer")
    if refused is None:
        loke.add_member(org.record["id"], ids[0], ids[1])
    return refused or Answer(204)


def delete_member(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/customer-lists/{list}/members/{customer}."""
    refused = _not_ours(loke, org, ids[0], "read_only")
    if refused is None and ids[1] not in org.lists[ids[0]].members:
        refused = missing(loke, "Member")
    if refused is None:
        loke.remove_member(org.record["id"], ids[0], ids[1])
    return refused or Answer(204)


def _name_of(request: Request) -> str:
    name = request.object().get("name")
    return name if isinstance(name, str) else ""


def _unfit(loke: Loke, org: Organization, name: str, own: str = "") -> Answer | None:
    """Return the refusal of a name that is empty or another list's."""
    if not name:
        return refuse(loke, 400, "bad_request", "name is required")
    others = (entry.record["name"] for list_id, entry in org.lists.items() if list_id != own)
    if name in others:
        return refuse(loke, 409, "conflict", "A list of this name exists")
    return None


def _not_ours(loke: Loke, org: Organization, list_id: str, code: str) -> Answer | None:
    """Return the refusal of a list that is not there, or that another client made.

    The documentation has two codes: `conflict` for the list, `read_only` for its members.
    """
    if list_id not in org.lists:
        return missing(loke, "Customer list")
    if not org.lists[list_id].ours:
        message = "Only the client that created a list may change it"
        return refuse(loke, 409, code, message)
    return None
