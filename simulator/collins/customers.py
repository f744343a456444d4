"""Collins's endpoints for customers, reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from simulator.collins.errors import forbidden, missing
from simulator.collins.filters import search_of
from simulator.collins.paging import page_of
from simulator.collins.search import find
from simulator.collins.switches import shape, shown
from simulator.collins.world import Account
from simulator.collins.writes import written_of
from simulator.messages import MISSING, Answer, Request, ok

if TYPE_CHECKING:
    from simulator.collins.wire import Collins


def customers(collins: Collins, request: Request, account: Account, _: Sequence[str]) -> Answer:
    """GET /customers: filtered, sorted, paged."""
    switches = collins.switches
    found = find(account, switches, search_of(switches, request))
    page = page_of(switches, request, found.total)
    raws = [account.customers[one] for one in found.ids(page.start, page.stop)]
    if any(shape(switches)):
        raws = [orjson.dumps(shown(orjson.loads(raw), switches)) for raw in raws]
    return ok(b'{"customers":[' + b",".join(raws) + b"]}", headers=page.headers)


def customer(collins: Collins, _: Request, account: Account, ids: Sequence[str]) -> Answer:
    """GET /customers/{customer}."""
    return _unseen(collins, account, ids[0]) or _whole(collins, account, ids[0])


def post_customer(collins: Collins, request: Request, account: Account, _: Sequence[str]) -> Answer:
    """POST /customers: only what is given, and the stamps."""
    fields, consents = written_of(account, request.object())
    bare = {"first_name": MISSING, "last_name": MISSING, "associated_venues": []}
    customer_id = collins.create_customer(account.tenant, **bare | fields)
    for preference_id, opted_in in consents.items():
        collins.set_preference(account.tenant, customer_id, preference_id, opted_in=opted_in)
    return _whole(collins, account, customer_id, 201)


def put_customer(
    collins: Collins, request: Request, account: Account, ids: Sequence[str]
) -> Answer:
    """PUT /customers/{customer}: what is given replaces, the rest stays; the stamp moves."""
    refused = _unseen(collins, account, ids[0])
    if refused:
        return refused
    fields, consents = written_of(account, request.object())
    for preference_id, opted_in in consents.items():
        collins.set_preference(account.tenant, ids[0], preference_id, opted_in=opted_in)
    collins.update_customer(account.tenant, ids[0], **fields)
    return _whole(collins, account, ids[0])


def delete_customer(collins: Collins, _: Request, account: Account, ids: Sequence[str]) -> Answer:
    """DELETE /customers/{customer}."""
    refused = _unseen(collins, account, ids[0])
    if refused is None:
        collins.delete_customer(account.tenant, ids[0])
    return refused or Answer(204)


def _whole(collins: Collins, account: Account, customer_id: str, status: int = 200) -> Answer:
    record = orjson.loads(account.customers[customer_id])
    return ok({"customer": shown(record, collins.switches)}, status)


def _unseen(collins: Collins, account: Account, customer_id: str) -> Answer | None:
    """Return the refusal for a customer that is gone, or that we may not see."""
    if customer_id not in account.customers:
        return missing(collins.switches.gone_status)
    if customer_id in account.hidden:
        return forbidden(collins.switches.hidden_status)
    return None
