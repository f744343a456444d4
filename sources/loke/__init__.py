"""LOKE: customers, customer lists and their members, of every organisation the credential sees.

Cursor       `updatedAt`, whole seconds, optional, and not moved by a change of the statistics: a
             complete scan on a schedule finds those. There is no filter; `sort=updated` is read
             newest first until the rest is older than watermark − lag. The direction is nowhere
             promised, so every page is checked, and any other order means reading everything.
Drift        newest first, a customer updated while we read jumps in front and is found by the
             next run, whose lag covers it; complete scans use the immutable `sort=created`.
Pages        `X-Next-Page`, absolute or relative, followed verbatim; its absence is the end. One
             that drops `sort` means reading everything.
Deletes      nowhere shown: absent from a complete scan, then 404 or 410 on its own address.
Memberships  no stamp on lists, and an equal `memberCount` proves nothing: every list is read in
             full each run. A removal is confirmed by the customer's own memberships, or, where
             there are many, by a second reading of the list.
Fields       missing consent is not false; `totalSpend` is in minor units of the organisation.
Limits       none documented; at most four requests at once, 429 honoured.
Left out     payments, orders, locations, webhooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure, connect
from sources.auth import ClientCredentials
from sources.confirm import by_address
from sources.drive import resources
from sources.errors import ContractError
from sources.http import Client, Probe
from sources.job import Job
from sources.loke import api
from sources.loke.fields import CUSTOMER_LISTS, CUSTOMERS, MEMBERS, ORGANIZATIONS, SHAPES
from sources.loke.members import Members
from sources.normalise import country_of
from sources.order import Marks
from sources.paging import Page
from sources.payload import Record
from sources.records import Context, Shape
from sources.removal import end_scope
from sources.scan import Reading, Scan, State
from sources.walks import everything, newest_first

BASE_URL = "https://api.loke.global"
TOKEN_URL = "https://auth.loke.global/token"  # noqa: S105  an address


class _Account(Account):
    """One credential at LOKE, and what one run reads with it."""

    increments = (CUSTOMERS,)
    dimensions = (ORGANIZATIONS,)
    windowed = (CUSTOMERS,)

    def __init__(self, client: Client, job: Job) -> None:
        super().__init__(client, job)
        self._lists: dict[str, list[Page]] = {}

    @cached_property
    def organizations(self) -> dict[str, Record]:
        """Every organisation by its id, asked for once a run."""
        records = api.organizations(self.client)
        if any(ORGANIZATIONS.record_id(record) is None for record in records):
            raise ContractError(
                "an organisation has no id, so nothing can be said to belong to it",
                vendor="loke",
                account=self.client.account,
                resource="organizations",
            )
        return {str(ORGANIZATIONS.record_id(record)): record for record in records}

    @property
    def tenants(self) -> Iterable[str]:
        return self.organizations

    @property
    def readings(self) -> Mapping[Shape, Read]:
        return {
            ORGANIZATIONS: self._read_organization,
            CUSTOMERS: self._read_customers,
            CUSTOMER_LISTS: self._read_lists,
            MEMBERS: self._read_members,
        }

    def lists(self, org: str) -> list[Page]:
        """Return the pages of an organisation's lists, asked for once a run."""
        if org not in self._lists:
            self._lists[org] = list(api.customer_lists(self.client, org))
        return self._lists[org]

    def context(self, shape: Shape, tenant: str, _: State) -> Context:
        if shape is not CUSTOMERS:
            return {}
        told = {k: v for k, v in self.organizations[tenant].items() if isinstance(v, str)}
        country = country_of(told.get("timezone")) or self.region
        return {"currency": told.get("currency"), "country": country}

    def _read_organization(self, org: str, scan: Scan) -> Reading:
        # One question brings them all; it is counted with the first.
        if org == next(iter(self.organizations)):
            scan.report.requests += self.client.requests[ORGANIZATIONS.resource]
        scan.take(Page([self.organizations[org]], None, None))
        yield
        return None

    def _read_customers(self, org: str, scan: Scan) -> Reading:
        marks = Marks(CUSTOMERS, scan.place)
        by = partial(api.customers, self.client, org)
        newest = partial(
            newest_first,
            scan,
            partial(by, api.UPDATED),
            marks,
            keeps=api.keeps_order,
            log=self.client.log,
        )
        if window := self.job.backfill:
            if scan.place.get("all") or not (yield from newest(bound=window.since)):
                scan.place["all"] = True
                yield from everything(scan, partial(by, api.CREATED), marks)
            return None
        if not scan.complete_kind:
            watermark = datetime.fromisoformat(scan.state["watermark"])
            if (yield from newest(bound=watermark - self.lag, watermark=watermark)):
                return marks.watermark()
            scan.read_everything()
        yield from everything(scan, partial(by, api.CREATED), marks)
        end_scope(scan, by_address(partial(api.customer, self.client, org), CUSTOMERS, scan))
        return marks.watermark()

    def _read_lists(self, org: str, scan: Scan) -> Reading:
        for page in self.lists(org):
            scan.take(page)
            yield
        ask = partial(api.customer_list, self.client, org)
        end_scope(scan, by_address(ask, CUSTOMER_LISTS, scan))
        return None

    def _read_members(self, org: str, scan: Scan) -> Reading:
        lists = (entry for page in self.lists(org) for entry in page.records)
        yield from Members(self.client, org, scan, lists).read()
        return None


@dlt.source(name="loke", max_table_nesting=0)
def loke(
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    base_url: str = BASE_URL,
    token_url: str = TOKEN_URL,
    account: str = "default",
    requests_per_minute: float = 0,
    max_wait_seconds: float = 300,
    full_scan_every_hours: float = 24,
    lag_minutes: float = 10,
    default_region: str | None = None,
    job: Any = None,
    transport: Any = None,
) -> list[DltResource]:
    """Return LOKE as a dlt source: four resources, each an append-only log of changes.

    Usable by itself: `dlt.pipeline("p", "duckdb", dataset_name="raw_loke").run(loke())`. A second
    run appends what changed in between, because each run is compared with the pipeline's own
    destination. A failed scan is raised, and nothing of that run is landed; with a job of your
    own it is noted in `job.errors`, and the other scans go on.

    Args:
        client_id: OAuth client of the add-on.
        client_secret: Its secret.
        base_url: Address of the API.
        token_url: Address that issues tokens.
        account: A name for this credential, for messages.
        requests_per_minute: Our own cap; 0 for none.
        max_wait_seconds: How long a run may wait for the vendor in all.
        full_scan_every_hours: How often customers are read completely.
        lag_minutes: How far behind the watermark is read again.
        default_region: Country of local phone numbers where the organisation names no zone.
        job: The run this is part of, as `regulars sync` passes it.
        transport: Another way for requests to travel.
    """
    return resources(
        SHAPES,
        job,
        lambda run: _account(
            run,
            transport,
            account,
            client_id=client_id,
            client_secret=client_secret,
            base_url=base_url,
            token_url=token_url,
            requests_per_minute=requests_per_minute,
            max_wait_seconds=max_wait_seconds,
            full_scan_every_hours=full_scan_every_hours,
            lag_minutes=lag_minutes,
            default_region=default_region,
        ),
    )


def probe(job: Job, transport: Any, account: str, **values: Any) -> Probe:
    """Try the credential with the cheapest question there is; `values` are `loke`'s settings."""
    reader = _account(job, transport, account, **values)
    count = len(reader.organizations)
    return Probe(f"{count} organisation{'' if count == 1 else 's'}", reader.client.vendor_time)


def _account(
    job: Job,
    transport: Any,
    account: str,
    *,
    client_id: str,
    client_secret: str,
    base_url: str = BASE_URL,
    token_url: str = TOKEN_URL,
    **values: Any,
) -> _Account:
    client = connect("loke", account, job, base_url, transport, values)
    client.auth = ClientCredentials(token_url, client_id, client_secret, job.timing, client.send)
    reader = _Account(client, job)
    configure(reader, values)
    return reader
