"""LOKE's endpoints as data, and functions that yield their pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx

from sources.errors import NotFound
from sources.http import Client
from sources.loke.fields import CUSTOMER_LISTS
from sources.paging import Page, follow_header
from sources.payload import Record

ORGANIZATIONS = "organizations"
CUSTOMERS = "organizations/{org}/customers"
CUSTOMER = "organizations/{org}/customers/{customer}"
MEMBERSHIPS = "organizations/{org}/customers/{customer}/memberships"
LISTS = "organizations/{org}/customer-lists"
LIST = "organizations/{org}/customer-lists/{list}"
MEMBERS = "organizations/{org}/customer-lists/{list}/members"
CREATED, UPDATED = "created", "updated"
"""The orders of customers; the former is the usual one."""


def organizations(client: Client) -> list[Record]:
    """Return every organisation the credential sees, whether anything of it can be read or not."""
    pages = follow_header(client, client.url(ORGANIZATIONS), resource="organizations")
    return [record for page in pages for record in page.records]


def customers(
    client: Client,
    org: str,
    sort: str,
    start: str | None = None,
    enough: Callable[[Page], bool] | None = None,
) -> Iterator[Page]:
    """Yield pages of customers, by CREATED or UPDATED, from the page address `start` on."""
    url = start or client.url(_path(CUSTOMERS, org=org), sort=sort)
    return follow_header(client, url, resource="customers", enough=enough)


def keeps_order(address: str) -> bool:
    """Tell whether the address of a next page still asks for the last updated first."""
    return bool(httpx.URL(address).params.get("sort") == UPDATED)


def customer(client: Client, org: str, customer_id: str) -> Record | None:
    """Return one customer, or None when the vendor says there is none."""
    url = client.url(_path(CUSTOMER, org=org, customer=customer_id))
    return client.find(url, resource="customers")


def customer_lists(client: Client, org: str) -> Iterator[Page]:
    """Yield pages of an organisation's lists."""
    return follow_header(client, client.url(_path(LISTS, org=org)), resource="customer_lists")


def customer_list(client: Client, org: str, list_id: str) -> Record | None:
    """Return one list, or None when the vendor says there is none."""
    url = client.url(_path(LIST, org=org, list=list_id))
    return client.find(url, resource="customer_lists")


def members(
    client: Client,
    org: str,
    list_id: str,
    enough: Callable[[Page], bool] | None = None,
    start: str | None = None,
) -> Iterator[Page]:
    """Yield pages of a list's members, from the page address `start` on.

    Raises NotFound or Forbidden as the client does.
    """
    url = start or client.url(_path(MEMBERS, org=org, list=list_id))
    return follow_header(client, url, resource="customer_list_members", enough=enough)


def is_member(client: Client, org: str, list_id: str, customer_id: str) -> bool:
    """Tell whether the vendor lists this list among the customer's memberships."""
    url = client.url(_path(MEMBERSHIPS, org=org, customer=customer_id))
    try:
        for page in follow_header(client, url, resource="customer_list_members"):
            if any(CUSTOMER_LISTS.record_id(entry) == list_id for entry in page.records):
                return True
    except NotFound:
        return False
    return False


def _path(template: str, **ids: str) -> str:
    """Fill a path; an id is a vendor's word and may hold anything."""
    return template.format(**{name: quote(value, safe="") for name, value in ids.items()})
