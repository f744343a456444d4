"""Kounta's endpoints that write customers: the fields that may be, and what they must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulator.kounta.customers import customer, customer_url, unseen
from simulator.kounta.paging import refuse
from simulator.kounta.switches import ADDRESSES, Record
from simulator.kounta.world import Company
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta

_WRITABLE = (
    "first_name", "last_name", "phone", "email", "mobile", "tags", "image", "primary_address",
    "shipping_address", "reference_id", "accepts_marketing",
)  # fmt: skip
_TEXTS = frozenset({"first_name", "last_name", "phone", "email", "mobile", "image", "reference_id"})
_OLDER = {"address": "lines", "state": "zone"}


def post_customer(kounta: Kounta, request: Request, company: Company, _: Sequence[str]) -> Answer:
    """POST …/customers: a first name and one way to reach the person."""
    given = _given(request)
    if not given.get("first_name") or not any(map(given.get, ("email", "phone", "mobile"))):
        return _bad("first_name and either email, phone or mobile are required")
    wrong = _wrong(company, given, None)
    if wrong:
        return _bad(wrong)
    addresses = {name: given.pop(name) for name in ADDRESSES if name in given}
    fields = {"primary_email_address": None, "last_name": "", **_kept(given)}
    customer_id = kounta.create_customer(company.company_id, **fields)
    _place(kounta, company, customer_id, addresses)
    made = customer_url(kounta, company, int(customer_id))
    return Answer(201, headers={"location": made})


def put_customer(kounta: Kounta, request: Request, company: Company, ids: Sequence[str]) -> Answer:
    """PUT …/customers/{customer}: what is given changes, all else stays."""
    refused = unseen(kounta, company, ids[0])
    if refused:
        return refused
    given = _given(request)
    wrong = _wrong(company, given, int(ids[0]))
    if wrong:
        return _bad(wrong)
    addresses = {name: given.pop(name) for name in ADDRESSES if name in given}
    kounta.update_customer(company.company_id, ids[0], **_kept(given))
    _place(kounta, company, ids[0], addresses)
    return customer(kounta, request, company, ids)


def _given(request: Request) -> Record:
    body = request.object()
    return {name: body[name] for name in _WRITABLE if name in body}


def _bad(description: str) -> Answer:
    return refuse(400, "invalid_request", description)


def _wrong(company: Company, given: Record, own: int | None) -> str | None:
    """Return what is wrong with the fields, None where nothing is."""
    for name, value in given.items():
        if name in _TEXTS and value is not None and not isinstance(value, str):
            return f"{name} must be a string"
        if name in ADDRESSES and value is not None and not _is_address(value):
            return f"{name} must be an object, its country two characters of ISO 3166-1"
    tags = given.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        return "tags must be an array of strings"
    if given.get("accepts_marketing") not in (None, True, False):
        return "accepts_marketing must be a boolean"
    if given.get("mobile") and set(company.find({"mobile": given["mobile"]})) - {own}:
        return "mobile must be unique within the company"
    return None


def _is_address(value: Any) -> bool:
    return isinstance(value, dict) and len(str(value.get("country") or "AU")) == 2


def _kept(given: Record) -> Record:
    """Return the fields by the names that records have for them."""
    kept = dict(given)
    if "email" in kept:
        email = kept["primary_email_address"] = kept.pop("email")
        kept["email_addresses"] = [email] if email else []
    if kept.get("reference_id", "") is None:
        kept["reference_id"] = ""
    return kept


def _place(kounta: Kounta, company: Company, customer_id: str, addresses: Record) -> None:
    for which, given in addresses.items():
        kounta.set_address(company.company_id, customer_id, which, _address(given))


def _address(given: Any) -> Record | None:
    """Return an address as it is kept, whichever of its two forms was given."""
    if given is None:
        return None
    named = {_OLDER.get(name, name): value for name, value in given.items()}
    lines = named.get("lines")
    named["lines"] = [lines] if isinstance(lines, str) else lines or []
    return {name: named.get(name) for name in ("lines", "city", "zone", "postal_code", "country")}
