"""Foodics' endpoints as data, and functions that yield their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sources.http import Client
from sources.keyset import stamp_text
from sources.paging import Batch, Page, numbered
from sources.payload import Body, MalformedBodyError, Record, record_in, records_in
from sources.window import Place

WHOAMI, CUSTOMERS, TAGS = "whoami", "customers", "tags"
AT_ONCE = 8
_LIST = "data"
INCLUDE = "tags,addresses,addresses.delivery_zone"
OLDEST_FIRST, NEWEST_FIRST, YOUNGEST_FIRST = "updated_at", "-updated_at", "-created_at"
OTHER_ORDERS = ("-updated_at", "created_at", "-created_at", "name", "-name", "email", "-email")


def whoami(client: Client) -> Record:
    """Return the business, the user and the scopes of the token."""
    read = client.get(client.url(WHOAMI), resource="businesses", read=_business)
    return read[0]


def changed(client: Client, place: Place, sort: str) -> Batch:
    """Return one page of the living customers changed after a stamp."""
    params = {"sort": sort, "include": INCLUDE}
    if place.after is not None:
        params["filter[updated_after]"] = stamp_text(place.after)
    return _page(client, CUSTOMERS, "customers", place.page, params)


def deleted(client: Client, page: int) -> Batch:
    """Return one page of the deleted customers, last changed first."""
    params = {"filter[is_deleted]": "true", "sort": NEWEST_FIRST, "include": INCLUDE}
    return _page(client, CUSTOMERS, "customers", page, params)


def listed(
    client: Client,
    start: int = 1,
    tell: Callable[[Batch], object] | None = None,
    filters: Mapping[str, str] | None = None,
) -> Iterator[Page]:
    """Yield the living customers by page number, oldest first."""
    params = {"sort": "created_at", "include": INCLUDE, **(filters or {})}

    def fetch(page: int) -> Batch:
        return _page(client, CUSTOMERS, "customers", page, params)

    return numbered(client, fetch, resource="customers", start=start, tell=tell)


def customer(client: Client, customer_id: str) -> Record | None:
    """Return one customer, or None when the vendor says there is none."""
    url = client.url(f"{CUSTOMERS}/{customer_id}", include=INCLUDE)
    return client.find(url, resource="customers", read=_enveloped)


def tags(
    client: Client, *, sort: str = "created_at", tell: Callable[[Batch], object] | None = None
) -> Iterator[Page]:
    """Yield pages of tags, each with how many customers have it."""
    params = {"include": "customersCount", "sort": sort}

    def fetch(page: int) -> Batch:
        return _page(client, TAGS, "tags", page, params)

    return numbered(client, fetch, resource="tags", tell=tell)


def tag(client: Client, tag_id: str) -> Record | None:
    """Return one tag, or None when the vendor says there is none, or no more."""
    found = client.find(client.url(f"{TAGS}/{tag_id}"), resource="tags", read=_enveloped)
    return None if found is not None and found.get("deleted_at") else found


def _page(client: Client, path: str, resource: str, page: int, params: dict[str, str]) -> Batch:
    """Ask for one page with all of our own parameters: next links may have lost them."""
    url = client.url(path, **params, page=str(page))
    batch, answer = client.get(url, resource=resource, read=_batch)
    body = Body(answer.body, _LIST, range(len(batch.records)))
    return Batch(batch.records, batch.more, batch.total, batch.size, answer.vendor_time, body)


def _batch(value: Any) -> Batch:
    """Read either envelope: with a count of everything, or only with a next link."""
    records = records_in(value, _LIST)
    links, meta = value.get("links"), value.get("meta")
    if not isinstance(links, dict) and not isinstance(meta, dict):
        # Neither is sent with the documentation's own samples: only an empty page is the end.
        return Batch(records, bool(records))
    links = links if isinstance(links, dict) else {}
    meta = meta if isinstance(meta, dict) else {}
    current, last = _number(meta, "current_page"), _number(meta, "last_page")
    more = bool(links.get("next")) or (current is not None and last is not None and current < last)
    return Batch(records, more, _number(meta, "total"), _number(meta, "per_page"))


def _number(meta: Record, name: str) -> int | None:
    value = meta.get(name)
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _enveloped(value: Any) -> Record:
    return record_in(value, "data")


def _business(value: Any) -> Record:
    record = _enveloped(value)
    business = record.get("business")
    if not isinstance(business, dict) or not isinstance(business.get("id"), str | int):
        raise MalformedBodyError("the answer names no business")
    return record
