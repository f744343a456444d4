"""Kounta (Lightspeed Restaurant O-Series): customers, their tags and addresses, of one company.

Cursor       none: no filter, and `updated_at` is always the moment of asking.
Reading      the whole list each run. It is abridged, so what it says of a customer is hashed and
             kept beside the customer's own hash: a full record is asked for where it is new or
             differs, and for others in turn, each once within `detail_max_age_days`, because tags,
             phones, consent and addresses show in the full record alone. A list that sends whole
             records, as it may, is taken at its word.
Refusals     a full record that is refused, gone or broken is that customer's own affair: who is
             listed stays as they were, new ones as the list has them, and the next run asks again.
Drift        pages by rising id; numbered ones shift, and who is overlooked so is asked for.
Pages        `X-Next-Page`, or the older `X-Page` / `X-Pages`; no size is promised.
Deletes      nowhere shown: absent from the list, then 404 (or 410) on its own address.
Tags         plain strings; a tag is a list for as long as somebody has it.
Credential   OAuth with refresh tokens that rotate, or HTTP Basic for one's own company. An expired
             token answers 401, or 400 with a text that says so.
Limits       60 requests a minute with Basic, 180 with OAuth; the answers' headers are obeyed.
Left out     orders, sites, check-ins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure, connect
from sources.auth import basic
from sources.drive import resources
from sources.errors import Forbidden, NotFound
from sources.http import Client, Probe
from sources.job import Job
from sources.kounta import api
from sources.kounta.fields import COMPANIES, CUSTOMERS, SHAPES
from sources.kounta.reading import Customers
from sources.normalise import country_of
from sources.paging import Page
from sources.payload import Record
from sources.records import Context, Shape
from sources.rotating import RefreshToken
from sources.scan import Reading, Scan, State

BASE_URL = "https://api.kounta.com/v1"


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
            found = country_of(name) if isinstance(name, str) else None
            # What is not shown any more takes back nothing that is known.
            state["country"] = found or state.get("country", "")
        return {"country": state["country"] or self.region}

    def _kind(self, shape: Shape, state: State) -> str:
        if self.job.backfill or shape is COMPANIES:
            return "backfill" if self.job.backfill else "incremental"
        # Absence is judged in every scan, so that a held removal asks for no complete one.
        if self.job.full or "full_at" not in state:
            return "full"
        if self.full_every == timedelta.max:
            return "incremental"
        since = self.job.timing.now() - datetime.fromisoformat(state["full_at"])
        return "incremental" if timedelta() <= since < self.full_every else "full"

    def _read_company(self, _: str, scan: Scan) -> Reading:
        # A quiet run asks for the list and nothing else, also where this is not shown to us.
        if self.job.full or "read" not in scan.home:
            scan.home["read"] = True
            scan.take(Page([self.company] if self.company is not None else [], None, None))
            yield
        return None

    def _read_customers(self, company_id: str, scan: Scan) -> Reading:
        if self.job.backfill:
            self.client.log.warning("kounta: no filter by time; the backfill reads everything")
        return Customers(self.client, company_id, scan, self.max_age).read()


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
    return resources(
        SHAPES,
        job,
        lambda run: _account(
            run,
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
        ),
    )


def probe(job: Job, transport: Any, account: str, **values: Any) -> Probe:
    """Try the credential with the cheapest question there is; `values` are `kounta`'s settings."""
    reader = _account(job, transport, account, **values)
    api.look(reader.client, reader.company_id)
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
    detail_max_age_days: float = 7,
    **values: Any,
) -> _Account:
    client = connect("kounta", account, job, base_url, transport, values)
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
    configure(reader, values)
    return reader
