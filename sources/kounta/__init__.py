"""Kounta (Lightspeed Restaurant O-Series): customers, their tags and addresses, of one company.

Cursor       none: no filter, and `updated_at` is always the moment of asking.
Reading      the whole list each run. It is abridged, so what it says of a customer is hashed and
             kept beside the customer's own hash: a full record is asked for where it is new or
             differs, and for others in turn, each once within `detail_max_age_days`, because tags,
             phones, consent and addresses show in the full record alone. A list that sends whole
             records, as it may, is taken at its word.
Drift        pages by rising id; who vanishes between list and record is treated as absent.
Pages        `X-Next-Page`, or the older `X-Page` / `X-Pages`; no size is promised.
Deletes      nowhere shown: absent from the list, then 404 on its own address.
Tags         plain strings; a tag is a list for as long as somebody has it.
Credential   OAuth with refresh tokens that rotate, or HTTP Basic for one's own company. An expired
             token answers 401, or 400 with a text that says so.
Limits       60 requests a minute with Basic, 180 with OAuth; the answers' headers are obeyed.
Left out     orders, sites, check-ins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure
from sources.auth import basic
from sources.confirm import by_address
from sources.content import digest
from sources.drive import resources
from sources.errors import Forbidden, NotFound
from sources.http import Client, Probe
from sources.job import Job
from sources.kounta import api
from sources.kounta.fields import COMPANIES, CUSTOMERS, SHAPES
from sources.normalise import country_of
from sources.paging import Page
from sources.payload import Record
from sources.records import Context, Shape
from sources.removal import end_scope
from sources.rotating import RefreshToken
from sources.scan import Reading, Scan, State
from sources.throttle import Limiter

BASE_URL = "https://api.kounta.com/v1"
_AT_ONCE = 4
# What only a full record has: a list that sends all of it needs no further question.
_FULL = frozenset({"phone", "mobile", "tags", "accepts_marketing", "shipping_address"})


class _Account(Account):
    """One company's credential at Kounta, and what one run reads with it."""

    increments = (CUSTOMERS,)
    windowed = (CUSTOMERS,)
    judged = True
    full_every = timedelta.max
    max_age = timedelta(days=7)

    def __init__(self, client: Client, job: Job, company_id: str) -> None:
        super().__init__(client, job)
        self.company_id = company_id

    @property
    def tenants(self) -> Iterable[str]:
        return [self.company_id]

    @property
    def readings(self) -> Mapping[Shape, Read]:
        return {COMPANIES: self._read_company, CUSTOMERS: self._read_customers}

    @cached_property
    def company(self) -> Record | None:
        """The company's own record, asked for once a run at most; None where it is not shown."""
        try:
            return api.company(self.client)
        except (Forbidden, NotFound):
            self.client.log.info("kounta: the company's own record is not shown to us")
            return None

    def context(self, shape: Shape, tenant: str, state: State) -> Context:  # noqa: ARG002
        if shape is not CUSTOMERS:
            return {}
        if "country" not in state or self.job.full:
            zone = (self.company or {}).get("timezone")
            name = zone.get("name") if isinstance(zone, dict) else None
            state["country"] = (country_of(name) if isinstance(name, str) else None) or ""
        return {"country": state["country"] or self.region}

    def _kind(self, shape: Shape, state: State) -> str:
        if self.job.backfill or shape is COMPANIES:
            return "backfill" if self.job.backfill else "incremental"
        if self.job.full or "held" in state or "full_at" not in state:
            return "full"
        since = self.job.timing.now() - datetime.fromisoformat(state["full_at"])
        return "incremental" if timedelta() <= since < self.full_every else "full"

    def _read_company(self, _: str, scan: Scan) -> Reading:
        # A quiet run asks for the list and nothing else.
        if (self.job.full or "read" not in scan.home) and self.company is not None:
            scan.home["read"] = True
            scan.take(Page([self.company], None, None))
            yield
        return None

    def _read_customers(self, company_id: str, scan: Scan) -> Reading:
        place, now = scan.place, self.job.timing.now()
        if self.job.backfill:
            self.client.log.warning("kounta: no filter by time; the backfill reads everything")
        place.setdefault("started", now.isoformat())
        everyone = scan.report.kind != "incremental"
        due = _Turn(scan.home.get("rotated_to"), place["started"], self.max_age)
        ask = partial(api.customer, self.client, company_id)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="kounta-detail") as pool:
            while not place.get("read"):
                for page in api.customers(self.client, company_id, place.get("next")):
                    turned = self._take(scan, page, partial(pool.map, ask), due, everyone=everyone)
                    place["turned"] = place.get("turned", False) or turned
                    place["next"], place["read"] = page.next, page.next is None
                    yield
        if not self.job.backfill:
            end_scope(scan, by_address(ask, CUSTOMERS))
            if everyone and not scan.held:
                scan.home["full_at"] = place["started"]
            if place["turned"] or everyone:
                scan.home["rotated_to"] = place["started"]
        return None

    def _take(self, scan: Scan, page: Page, ask: Any, due: _Turn, *, everyone: bool) -> bool:
        """Take one page of the list: what is new, differs, or whose turn it is is read in full."""
        listed = {
            record_id: record
            for record in page.records
            if (record_id := CUSTOMERS.record_id(record)) is not None
        }
        if len(listed) < len(page.records):
            scan.take(
                Page([one for one in page.records if not CUSTOMERS.record_id(one)], None, None)
            )
        whole = {key: one for key, one in listed.items() if one.keys() >= _FULL}
        if whole:
            scan.take(Page(list(whole.values()), None, None))
        marks = {key: _mark(one) for key, one in listed.items() if key not in whole}
        known = {
            key: held.rpartition(":")[2] for key, held in scan.scratch.hashes(list(marks)).items()
        }
        turned = {key for key in marks if known.get(key) == marks[key] and due(key)}
        wanted = [key for key in marks if everyone or key in turned or known.get(key) != marks[key]]
        found = dict(zip(wanted, ask(wanted), strict=True))
        full = {key: one for key, one in found.items() if one is not None}
        scan.see([key for key in marks if key not in found])
        if full:
            records = list(full.values())
            scan.take(
                Page(records, page.next, page.vendor_time), marks=[marks[key] for key in full]
            )
        return bool(turned)


class _Turn:
    """Whose full record is to be read again: each customer's turn comes once in `max_age`.

    A customer's moment in the cycle follows from its id, so nothing has to be remembered of it.
    """

    def __init__(self, since: str | None, until: str, max_age: timedelta) -> None:
        self._age = max_age.total_seconds()
        self._until = datetime.fromisoformat(until).timestamp()
        self._since = datetime.fromisoformat(since).timestamp() if since else None

    def __call__(self, customer_id: str) -> bool:
        if self._since is None or self._until - self._since >= self._age:
            return True
        point = int.from_bytes(hashlib.blake2b(customer_id.encode(), digest_size=8).digest(), "big")
        moment = point / 2**64 * self._age
        return (moment - self._since) % self._age < self._until - self._since


def _mark(record: Record) -> str:
    """Return the hash of what the list says of a customer; empty counts as nothing."""
    return digest({key: value for key, value in record.items() if value != ""})[2:18]


@dlt.source(name="kounta", max_table_nesting=0)
def kounta(
    company_id: str = dlt.config.value,
    client_id: str = dlt.secrets.value,
    client_secret: str = dlt.secrets.value,
    refresh_token: str | None = None,
    base_url: str = BASE_URL,
    account: str = "default",
    requests_per_minute: float = 0,
    max_wait_seconds: float = 300,
    full_scan_every_hours: float | None = None,
    detail_max_age_days: float = 7,
    default_region: str | None = None,
    job: Any = None,
    transport: Any = None,
) -> list[DltResource]:
    """Return Kounta as a dlt source: the company, and customers with tags and addresses.

    Usable by itself, as `sources.loke.loke` is.

    Args:
        company_id: The company; `tenant_id` in every table.
        client_id: OAuth client.
        client_secret: Its secret.
        refresh_token: The first refresh token; its successors are stored. Without: HTTP Basic.
        base_url: Address of the API; tokens come from `token.json` below it.
        account: A name for this credential, for messages.
        requests_per_minute: Our own cap; 0 for none.
        max_wait_seconds: How long a run may wait for the vendor in all.
        full_scan_every_hours: How often every full record is read at once; never unless given.
        detail_max_age_days: How old a full record may be before it is read again; 0: every run.
        default_region: Country of local phone numbers where the company names no zone.
        job: The run this is part of, as `regulars sync` passes it.
        transport: Another way for requests to travel.
    """
    reader = _account(
        job or Job(strict=True),
        transport,
        account,
        company_id=company_id,
        client_id=client_id,
        client_secret=client_secret,
        refresh_token=refresh_token,
        base_url=base_url,
        requests_per_minute=requests_per_minute,
        max_wait_seconds=max_wait_seconds,
        full_scan_every_hours=full_scan_every_hours,
        detail_max_age_days=detail_max_age_days,
        default_region=default_region,
    )
    return resources(SHAPES, reader.scan)


def probe(job: Job, transport: Any, account: str, **values: Any) -> Probe:
    """Try the credential with the cheapest question there is; `values` are `kounta`'s settings."""
    reader = _account(job, transport, account, **values)
    pages: Iterator[Page] = api.customers(reader.client, reader.company_id)
    next(pages)
    return Probe(f"company {reader.company_id}", reader.client.vendor_time)


def _account(
    job: Job,
    transport: Any,
    account: str,
    *,
    company_id: str,
    client_id: str,
    client_secret: str,
    refresh_token: str | None = None,
    base_url: str = BASE_URL,
    requests_per_minute: float = 0,
    max_wait_seconds: float = 300,
    detail_max_age_days: float = 7,
    **rest: Any,
) -> _Account:
    limiter = Limiter(job.timing, requests_per_minute, max_wait_seconds, stopped=job.stopped)
    client = Client(
        vendor="kounta", account=account, base_url=base_url, limiter=limiter, transport=transport
    )
    job.closing.callback(client.close)
    if refresh_token:
        folder = job.vault_dir or Path(dlt.current.pipeline().pipelines_dir) / "credentials"
        client.auth = RefreshToken(
            client.url("token.json"),
            client_id,
            client_secret,
            refresh_token,
            folder / f"kounta-{account}.json",
            job.timing,
            client.send,
        )
    else:
        client.auth = basic(client_id, client_secret)
    reader = _Account(client, job, str(company_id))
    reader.max_age = timedelta(days=float(detail_max_age_days))
    configure(reader, rest)
    return reader
