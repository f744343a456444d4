"""What each of LOKE's endpoints answers."""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from simulator.hooks import Answer
from simulator.loke.world import CustomerList, LokeSwitches, Organization, Record, plain, shown

if TYPE_CHECKING:
    from simulator.core import Request
    from simulator.loke.wire import Loke


def ok(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Return a JSON answer."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Answer(status, body, {"content-type": "application/json", **(headers or {})})


def refuse(status: int, code: str, message: str) -> Answer:
    """Return an error in LOKE's form."""
    kind = f"https://errors.loke.global/{code}"
    return ok({"message": message, "code": code, "type": kind, "instance": "01J"}, status)


def missing(what: str) -> Answer:
    """Return LOKE's 404."""
    return refuse(404, "not_found", f"{what} not found")


def _cursor(request: Request) -> Any:
    text = request.params.get("after")
    if not text:
        return None
    return orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _next(loke: Loke, request: Request, cursor: Any) -> dict[str, str]:
    """Return the header that leads to the next page, with whatever is wrong with it."""
    switches, fault = loke.switches, loke.switches.next_page_fault
    if cursor is None:
        return {"x-next-page": ""} if fault == "empty_string" else {}
    token = base64.urlsafe_b64encode(orjson.dumps(cursor)).decode().rstrip("=")
    here = request.path.removeprefix("/loke")
    params = {**request.params, "after": token}
    if fault == "loop" and "after" in request.params:
        params = request.params
    if fault == "cycle" and "after" in request.params:
        params.pop("after")
    path = f"{here}?{urlencode(params)}"
    if fault == "foreign":
        return {"x-next-page": f"http://elsewhere.test/loke{path}"}
    if switches.next_page == "relative":
        return {"x-next-page": f"/loke{path}"}
    return {"x-next-page": f"{loke.base_url}{path}"}


def _listing(
    loke: Loke, request: Request, entries: Sequence[tuple[Any, Record]], size: int
) -> Answer:
    """Answer a page of entries given in their order as (key, record)."""
    cursor, start = _cursor(request), 0
    if isinstance(cursor, int):
        start = cursor
    elif cursor is not None:
        keys = [list(key) for key, _ in entries]
        start = bisect_left(keys, cursor)
        start += start < len(keys) and keys[start] == cursor
    if loke.switches.next_page_fault == "empty_with_next" and cursor is None and entries:
        # A first page with nothing on it, and the way to the rest.
        return ok([], headers=_next(loke, request, 0))
    page = entries[start : start + size]
    more = start + size < len(entries)
    following = None
    if more:
        following = start + size if loke.switches.cursor == "offset" else list(page[-1][0])
    return ok([record for _, record in page], headers=_next(loke, request, following))


def organizations(loke: Loke, request: Request, _: Organization, __: Sequence[str]) -> Answer:
    """GET /organizations."""
    wanted = request.params.get("query", "").lower()
    entries = [
        ((org_id,), org.record)
        for org_id, org in sorted(loke.world.items())
        if wanted in org.record["name"].lower()
    ]
    return _listing(loke, request, entries, loke.switches.organizations_page_size)


def organization(_: Loke, __: Request, org: Organization, ___: Sequence[str]) -> Answer:
    """GET /organizations/{org}."""
    return ok(org.record)


def locations(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """GET …/locations: one for each organisation."""
    record = {
        "id": org.record["id"], "name": org.record["name"], "country": "AU", "locality": "Town",
        "region": "NSW", "postalCode": "2000", "slug": "main", "streetAddress": "1 Test St",
        "streetAddress2": None, "latitude": -33.86, "longitude": 151.2,
        "phoneNumber": "+61255500000", "timezone": org.record.get("timezone"),
    }  # fmt: skip
    return _listing(loke, request, [((record["id"],), record)], 50)


def customers(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """GET …/customers, newest first by `created` (default) or `updated`."""
    sort = request.params.get("sort", "created")
    if sort not in ("created", "updated"):
        return refuse(400, "bad_request", "sort must be created or updated")
    for name in ("email", "phoneNumber"):
        if name in request.params:
            found = (orjson.loads(raw) for raw in org.customers.values())
            wanted = request.params[name].lower()
            return ok([r for r in found if str(r.get(name, "")).strip().lower() == wanted])
    keys = org.order(sort, loke.switches)
    direction = loke.switches.direction if sort == "updated" else "descending"
    if direction == "mixed":
        keys = sorted(keys, key=lambda key: hashlib.blake2b(key[2].encode()).digest())
    if org.hidden:
        keys = [key for key in keys if key[2] not in org.hidden]
    return _customer_page(loke, request, org, keys, direction)


def _customer_page(
    loke: Loke, request: Request, org: Organization, keys: Sequence[Any], direction: str
) -> Answer:
    """Answer a page of customers from keys in rising order."""
    size, cursor, count = loke.switches.page_size, _cursor(request), len(keys)
    fault = loke.switches.next_page_fault
    by_key = loke.switches.cursor == "keyset" and direction != "mixed"
    falling = direction == "descending"
    if fault == "empty_with_next" and cursor is None and count:
        return ok([], headers=_next(loke, request, 0))
    if cursor is None or isinstance(cursor, int):
        start = cursor or 0
        low, high = (count - start - size, count - start) if falling else (start, start + size)
    else:
        at = bisect_left(keys, tuple(cursor))
        if falling:
            low, high = at - size, at
        else:
            at += at < count and keys[at] == tuple(cursor)
            low, high = at, at + size
    page = list(keys[max(low, 0) : max(high, 0)])
    page = page[::-1] if falling else page
    more = low > 0 if falling else high < count
    following: Any = None
    if more and page:
        following = list(page[-1]) if by_key else (count - low if falling else high)
    headers = _next(loke, request, following)
    raws = (org.customers[key[2]] for key in page)
    if plain(loke.switches):
        return ok(b"[" + b",".join(raws) + b"]", headers=headers)
    return ok([shown(orjson.loads(raw), loke.switches) for raw in raws], headers=headers)


def customer(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customers/{customer}."""
    if ids[0] in org.hidden:
        return refuse(loke.switches.hidden_status, "forbidden", "Not permitted")
    raw = org.customers.get(ids[0])
    if raw is None:
        return refuse(loke.switches.gone_status, "not_found", "Customer not found")
    return ok(shown(orjson.loads(raw), loke.switches))


def memberships(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customers/{customer}/memberships."""
    if ids[0] not in org.customers:
        return missing("Customer")
    entries = [
        ((list_id,), {"id": list_id, "name": entry.record["name"]})
        for list_id, entry in sorted(org.lists.items())
        if ids[0] in entry.members
    ]
    return _listing(loke, request, entries, loke.switches.memberships_page_size)


def list_record(entry: CustomerList, switches: LokeSwitches) -> Record:
    """Return a list's record as the switches have it sent."""
    counts = {"exact": len(entry.members), "stale": len(entry.members) + 7}
    if switches.member_count == "missing":
        return dict(entry.record)
    return {**entry.record, "memberCount": counts[switches.member_count]}


def lists(loke: Loke, request: Request, org: Organization, _: Sequence[str]) -> Answer:
    """GET …/customer-lists."""
    entries = [
        ((list_id,), list_record(entry, loke.switches))
        for list_id, entry in sorted(org.lists.items())
    ]
    return _listing(loke, request, entries, loke.switches.lists_page_size)


def one_list(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customer-lists/{list}."""
    if ids[0] not in org.lists:
        return missing("Customer list")
    return ok(list_record(org.lists[ids[0]], loke.switches))


def members(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """GET …/customer-lists/{list}/members, in the order they were added."""
    if ids[0] not in org.lists:
        return missing("Customer list")
    entries = sorted((added, member) for member, added in org.lists[ids[0]].members.items())
    return _listing(loke, request, _Members(org, entries), loke.switches.members_page_size)


class _Members(Sequence[tuple[Any, Record]]):
    """Members rendered only when a page wants them."""

    def __init__(self, org: Organization, keys: list[tuple[str, str]]) -> None:
        self._org, self._keys = org, keys

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [(key, self._record(key)) for key in self._keys[at]]
        return self._keys[at], self._record(self._keys[at])

    def __iter__(self) -> Any:
        return ((key, None) for key in self._keys)

    def _record(self, key: tuple[str, str]) -> Record:
        raw = self._org.customers.get(key[1])
        person = orjson.loads(raw) if raw else {"firstName": "Gone", "lastName": "Guest"}
        record = {
            name: person[name]
            for name in ("email", "firstName", "lastName", "phoneNumber")
            if name in person
        }
        return {"id": key[1], "addedAt": key[0], **record}
