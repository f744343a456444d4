"""Kounta's endpoints that read: the company, its customers, searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from simulator.kounta.paging import missing, page_of, refuse
from simulator.kounta.switches import ADDRESSES, Record, abridged, address, named, whole
from simulator.kounta.world import Company
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta

Ids = Sequence[str]
_NAMED = ("first_name", "last_name", "phone")


def me(kounta: Kounta, _: Request, company: Company, __: Ids) -> Answer:
    """GET /companies/me: the company of the credential."""
    return ok(company_record(kounta, company))


def company_record(kounta: Kounta, company: Company) -> Record:
    """Return a company's record; its stamps are true ones."""
    made, zone = kounta.written(company.made), {"name": company.timezone}
    record = {
        "id": int(company.company_id), "name": company.name, "shipping_address": None,
        "postal_address": None, "addresses": {"count": 0, "updated_at": made},
        "business_number": None, "image": None, "website": "https://example.com",
        "currency": "AUD", "timezone": {"offset": made[-6:], **zone},
        "sites": {"count": 1, "updated_at": made},
        "registers": {"count": 2, "limit": 3, "updated_at": made},
        "created_at": made, "updated_at": made,
    }  # fmt: skip
    return named(record, kounta.switches)


def customers(kounta: Kounta, request: Request, company: Company, _: Ids) -> Answer:
    """GET …/customers: a page of all, or a search."""
    params = request.params
    if "reference_id" in params:
        wanted = params["reference_id"]
        found = list(company.find({"reference_id": wanted})) if wanted else []
        return _listed(kounta, request, company, found)
    if "email" in params:
        return _redirect(kounta, request, company, {"primary_email_address": params["email"]})
    if "mobile" in params:
        return _redirect(kounta, request, company, {"mobile": params["mobile"]})
    named = {name: params[name] for name in _NAMED if name in params}
    if len(named) == len(_NAMED):
        return _redirect(kounta, request, company, named)
    if named:
        return refuse(400, "invalid_request", f"{', '.join(_NAMED)} must all be provided.")
    return _listed(kounta, request, company, company.ids())


def _listed(kounta: Kounta, request: Request, company: Company, ids: Sequence[int]) -> Answer:
    page, switches = page_of(kounta, request, ids), kounta.switches
    if switches.list_payload == "full":
        records = [whole(company.record(one), switches, kounta.now()) for one in page.ids]
        return ok(records, headers=page.headers)
    heads = [company.heads[one] for one in page.ids]
    if switches.id_strings:
        records = [abridged(orjson.loads(head), switches) for head in heads]
        return ok(records, headers=page.headers)
    # As they are kept, so that a page costs one join.
    return ok(b"[" + b",".join(heads) + b"]", headers=page.headers)


def _redirect(kounta: Kounta, request: Request, company: Company, wanted: Record) -> Answer:
    """Lead to the one customer that matches, which is the first should there be more."""
    found = next(company.find(wanted), None)
    if found is None:
        return missing()
    form = ".json" if request.path.endswith(".json") else ""
    return Answer(302, headers={"location": customer_url(kounta, company, found) + form})


def customer_url(kounta: Kounta, company: Company, customer_id: int) -> str:
    """Return a customer's address."""
    return f"{kounta.base_url}/companies/{company.company_id}/customers/{customer_id}"


def customer(kounta: Kounta, _: Request, company: Company, ids: Ids) -> Answer:
    """GET …/customers/{customer}: the whole record."""
    refused = unseen(kounta, company, ids[0])
    return refused or ok(whole(company.record(int(ids[0])), kounta.switches, kounta.now()))


def addresses(kounta: Kounta, _: Request, company: Company, ids: Ids) -> Answer:
    """GET …/customers/{customer}/addresses."""
    refused = unseen(kounta, company, ids[0])
    if refused:
        return refused
    record = company.record(int(ids[0]))
    kept: list[Any] = [record.get(name) for name in ADDRESSES]
    owner = {"people_id": record.get("people_id")}
    return ok([address(one | owner, kounta.switches) for one in kept if isinstance(one, dict)])


def orders(kounta: Kounta, _: Request, company: Company, ids: Ids) -> Answer:
    """GET …/customers/{customer}/orders: nobody has bought anything."""
    return unseen(kounta, company, ids[0]) or ok([])


def unseen(kounta: Kounta, company: Company, customer_id: str) -> Answer | None:
    """Return the refusal for a customer that is gone, or that we may not see."""
    switches = kounta.switches
    gone = int(customer_id) not in company.heads
    if gone or customer_id in switches.vanish:
        answer = missing()
        answer.status = switches.gone_status
        return answer
    if int(customer_id) not in company.hidden:
        return None
    if switches.hidden_status == 404:
        return missing()
    return refuse(switches.hidden_status, "forbidden", "You may not see this customer.")
