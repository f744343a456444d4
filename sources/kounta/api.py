"""Kounta's endpoints as data, and functions that yield their pages."""

from __future__ import annotations

from collections.abc import Iterator

from sources.errors import ContractError
from sources.http import Answer, Client
from sources.paging import Batch, Page, follow_header, numbered
from sources.payload import Record, record_in, records_in

ME = "companies/me"
CUSTOMERS = "companies/{company}/customers"
CUSTOMER = "companies/{company}/customers/{customer}"


def company(client: Client) -> Record:
    """Return the credential's own company."""
    return client.get(client.url(ME), resource="companies", read=record_in)[0]


def look(client: Client, company_id: str) -> None:
    """Ask for the first page of customers alone, to see whether it is shown."""
    url = client.url(CUSTOMERS.format(company=company_id))
    client.get(url, resource="customers", read=records_in)


def customers(client: Client, company_id: str, start: str | None = None) -> Iterator[Page]:
    """Yield pages of abridged customers, by rising id, from the page `start` names on.

    The next page is named by `X-Next-Page`. A server that names none but sends `X-Pages` is read
    by the older way, a page number in the request's header.
    """
    first = client.url(CUSTOMERS.format(company=company_id))
    if start is not None and start.isdecimal():
        yield from _by_number(client, first, int(start))
        return
    pages = 0

    def tell(answer: Answer) -> None:
        nonlocal pages
        pages = _pages(answer) or 0

    for page in follow_header(client, start or first, resource="customers", tell=tell):
        if start is None and page.next is None and pages > 1:
            client.log.info("kounta/customers: pages by number, the older way")
            yield Page(page.records, "1", page.vendor_time)
            yield from _by_number(client, first, 1)
            return
        start = page.next
        yield page


def _by_number(client: Client, url: str, start: int) -> Iterator[Page]:
    """Yield pages by number, counted from 0.

    Raises:
        ContractError: An answer does not tell how many pages there are, so none is the last.
    """

    def fetch(page: int) -> Batch:
        records, answer = client.get(
            url, resource="customers", read=records_in, headers={"X-Page": str(page)}
        )
        pages = _pages(answer)
        if pages is None:
            raise ContractError(
                "pages were numbered, and now an answer does not say how many there are. Nothing "
                "of this scan was published, so a rerun is safe",
                vendor=client.vendor,
                account=client.account,
                resource="customers",
            )
        return Batch(records, page + 1 < pages, vendor_time=answer.vendor_time)

    return numbered(client, fetch, resource="customers", start=start)


def _pages(answer: Answer) -> int | None:
    """Return how many pages the answer says there are, None where it does not."""
    text = (answer.headers.get("X-Pages") or "").strip()
    return int(text) if text.isdecimal() else None


def customer(client: Client, company_id: str, customer_id: str) -> Record | None:
    """Return one customer in full, or None when the vendor says there is none."""
    url = client.url(CUSTOMER.format(company=company_id, customer=customer_id))
    return client.find(url, resource="customers")
