"""Collins' endpoints as data, and functions that yield their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from sources.errors import NotFound, Refused
from sources.http import Client
from sources.paging import Batch, Page, numbered
from sources.payload import Record, record_in, records_in

CUSTOMERS, VENUES = "customers", "venues"
PREFERENCES = "{owners}/{owner}/marketing-preferences"
LIMIT = 30
UPDATED, CREATED = "last_updated", "created_date"
"""The stamps, by which customers may be filtered to the day, and sorted."""
NEWEST_FIRST = f"-{UPDATED}"
_SECOND = 2


@dataclass(frozen=True)
class Told(Batch):
    """A page with the numbers its headers tell: its own, and of the last; None where unsaid."""

    page: int | None = None
    pages: int | None = None


def page_of(client: Client, path: str, resource: str, page: int, params: Mapping[str, str]) -> Told:
    """Return one page; how many there are, and how long they are, is read from the answer."""
    url = client.url(path, **{"limit": str(LIMIT), **params, "page": str(page)})
    records, answer = client.get(url, resource=resource, read=lambda value: records_in(value, path))
    names = ("Total-Results", "Per-Page", "Page", "Total-Pages")
    total, size, own, pages = (_number(answer.headers.get(f"X-Pagination-{n}")) for n in names)
    more = pages is not None and page < pages
    return Told(records, more, total, size or None, answer.vendor_time, page=own, pages=pages)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdecimal() else None


class _Pages:
    """Fetches the pages of one list one after the other, and tells whether there is another.

    Beyond the last page the vendor may show nothing, that page again, or refuse. A full page is
    not taken for the last, whatever the headers say: a total may be capped, or missing.
    """

    def __init__(self, client: Client, path: str, resource: str, params: Mapping[str, str]) -> None:
        self._ask, self._params = partial(page_of, client, path, resource), params
        self._before: Told | None = None

    def fetch(self, page: int) -> Batch:
        """Return one page; raises Refused, or NotFound, for one that is to exist."""
        before = self._before
        try:
            batch = self._ask(page, self._params)
        except (NotFound, Refused):
            if before is None or before.more:
                raise
            return replace(before, records=[], more=False)
        self._before = batch
        again = before is not None and batch.records == before.records
        if batch.page is not None and batch.page < page:
            return replace(batch, records=[] if again else batch.records, more=False)
        if before is not None and again and batch.records:
            return self._meant(page, before, batch)
        full = batch.size or max(1, len(before.records) if before else 0)
        return replace(batch, more=batch.more or len(batch.records) >= full)

    def _meant(self, page: int, before: Told, batch: Told) -> Batch:
        """Return what a page means that is just the one before it."""
        if batch.total != before.total:
            # As many came as a page holds, and moved all others by one.
            return replace(batch, records=[], more=True)
        if batch.total is None and (page > _SECOND or self._turns(batch)):
            return replace(batch, records=[], more=False)
        return batch

    def _turns(self, batch: Told) -> bool:
        """Tell whether pages are turned at all: else every page is the first."""
        ones = {**self._params, "limit": "1"}
        return len(batch.records) == 1 or self._ask(_SECOND, ones).records != batch.records[:1]


def customers(
    client: Client,
    params: Mapping[str, str],
    start: int = 1,
    *,
    enough: Callable[[Page], bool] | None = None,
    tell: Callable[[Batch], object] | None = None,
) -> Iterator[Page]:
    """Yield pages of customers from page `start` on; raises as the client does."""
    fetch = _Pages(client, CUSTOMERS, "customers", params).fetch
    return numbered(client, fetch, resource="customers", start=start, enough=enough, tell=tell)


def customers_page(client: Client, params: Mapping[str, str], page: int) -> Told:
    """Return one page of customers."""
    return page_of(client, CUSTOMERS, "customers", page, params)


def total(client: Client, params: Mapping[str, str]) -> int | None:
    """Return how many customers there are under these filters, None where it is not said."""
    return customers_page(client, {**params, "limit": "1"}, 1).total


def customer(client: Client, customer_id: str) -> Record | None:
    """Return one customer, or None when the vendor says there is none."""
    url, read = client.url(f"{CUSTOMERS}/{customer_id}"), partial(record_in, envelope="customer")
    return client.find(url, resource="customers", read=read)


def venues(client: Client) -> list[Record]:
    """Return every venue, inactive ones too."""
    fetch = _Pages(client, VENUES, "venues", {"status": "public,private,inactive"}).fetch
    return [
        record for page in numbered(client, fetch, resource="venues") for record in page.records
    ]


def venue(client: Client, venue_id: str) -> Record | None:
    """Return one venue, or None when the vendor says there is none."""
    url, read = client.url(f"{VENUES}/{venue_id}"), partial(record_in, envelope="venue")
    return client.find(url, resource="venues", read=read)


def preferences(client: Client, owners: str, owner: str) -> list[Record]:
    """Return the marketing preferences of a venue group, or of a venue: a bare array."""
    path = PREFERENCES.format(owners=owners, owner=owner)
    return client.get(client.url(path), resource="marketing_preferences", read=records_in)[0]
