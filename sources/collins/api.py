"""Collins' endpoints as data, and functions that yield their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from sources.errors import NotFound
from sources.http import Client
from sources.paging import Batch, Page, numbered
from sources.payload import Record, record_in, records_in

CUSTOMERS, VENUES = "customers", "venues"
PREFERENCES = "{owners}/{owner}/marketing-preferences"
LIMIT = 30
NEWEST_FIRST, BY_CREATION = "-last_updated", "created_date"


def page_of(
    client: Client, path: str, resource: str, page: int, params: Mapping[str, str]
) -> Batch:
    """Return one page; how many there are, and how long they are, is read from the answer."""
    url = client.url(path, **{"limit": str(LIMIT), **params, "page": str(page)})
    records, answer = client.get(url, resource=resource, read=lambda value: records_in(value, path))
    size = _number(answer.headers.get("X-Pagination-Per-Page"))
    pages = _number(answer.headers.get("X-Pagination-Total-Pages"))
    total = _number(answer.headers.get("X-Pagination-Total-Results"))
    # Without the headers only a short page can be the end.
    more = page < pages if pages is not None else len(records) >= (size or LIMIT)
    return Batch(records, more, total, size, answer.vendor_time)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None


def customers(
    client: Client,
    params: Mapping[str, str],
    start: int = 1,
    *,
    enough: Callable[[Page], bool] | None = None,
    tell: Callable[[Batch], object] | None = None,
) -> Iterator[Page]:
    """Yield pages of customers from page `start` on."""

    def fetch(page: int) -> Batch:
        return page_of(client, CUSTOMERS, "customers", page, params)

    return numbered(client, fetch, resource="customers", start=start, enough=enough, tell=tell)


def total(client: Client, params: Mapping[str, str]) -> int | None:
    """Return how many customers there are under these filters, None where it is not said."""
    return page_of(client, CUSTOMERS, "customers", 1, {**params, "limit": "1"}).total


def days(name: str, since: date, until: date) -> dict[str, str]:
    """Return the filters for a stamp's days, both ends included."""
    return {f"{name}_from": since.isoformat(), f"{name}_to": until.isoformat()}


def customer(client: Client, customer_id: str) -> Record | None:
    """Return one customer, or None when the vendor says there is none."""
    return _one(client, f"{CUSTOMERS}/{customer_id}", "customers", "customer")


def venues(client: Client) -> list[Record]:
    """Return every venue, inactive ones too."""

    def fetch(page: int) -> Batch:
        return page_of(client, VENUES, "venues", page, {"status": "public,private,inactive"})

    pages = numbered(client, fetch, resource="venues")
    return [record for page in pages for record in page.records]


def venue(client: Client, venue_id: str) -> Record | None:
    """Return one venue, or None when the vendor says there is none."""
    return _one(client, f"{VENUES}/{venue_id}", "venues", "venue")


def preferences(client: Client, owners: str, owner: str) -> list[Record]:
    """Return the marketing preferences of a venue group, or of a venue: a bare array."""
    path = PREFERENCES.format(owners=owners, owner=owner)
    return client.get(client.url(path), resource="marketing_preferences", read=records_in)[0]


def _one(client: Client, path: str, resource: str, envelope: str) -> Record | None:
    try:
        return client.get(
            client.url(path), resource=resource, read=lambda value: record_in(value, envelope)
        )[0]
    except NotFound:
        return None
