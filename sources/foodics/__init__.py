"""Foodics v5: customers with their tags and addresses, and tags, of the token's business.

Cursor       `updated_at`, whole seconds, UTC; `filter[updated_after]`, of which nobody says whether
             it includes its instant: both are lived with, and what is seen is logged. Orders and
             balances may move without it, so a complete scan on a schedule reads everything.
Drift        read by keyset: always page 1, from the last stamp less a second, so that a record
             updated meanwhile moves ahead of us. A large account is read in eight walks abreast,
             each through a stretch of time; what moved meanwhile is read behind them. Where filter
             or order are not obeyed, all pages are read by number.
Pages        50 at most, whatever is asked. Next links may lose the query, so only the fact that
             there is one is used. A silent stop after ten pages is met inside one equal stamp only.
Deletes      `deleted_at`; a second pass reads the deleted, last changed first. Where deleting does
             not move the stamp, which a page or their number shows, all of them are read. Fewer
             deleted than before means a restore: those not shown any more are asked for by id. A
             customer who is in neither list is gone when its own address says so.
Tags         attaching one may move no stamp: each tag's own count is compared with ours, and where
             they differ its customers are read.
Scopes       house account and loyalty balances need scopes of their own and are NULL without.
Limits       90 requests a minute, 30 in the sandbox; the answers' headers are obeyed.
Left out     orders, coupons, house account and loyalty transactions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure, connect
from sources.auth import bearer
from sources.confirm import by_address
from sources.drive import resources
from sources.errors import AuthError, ContractError, VendorError
from sources.foodics import api
from sources.foodics.deleted import Deleted
from sources.foodics.fields import BUSINESSES, CUSTOMERS, SHAPES, TAGS
from sources.foodics.reading import Living
from sources.foodics.tags import Tags, compare
from sources.foodics.tags import read as read_tags
from sources.http import Probe
from sources.job import Job
from sources.order import Marks
from sources.paging import Page
from sources.payload import Record
from sources.records import Context, Shape
from sources.removal import end_scope
from sources.scan import Reading, Scan, State

BASE_URL = "https://api.foodics.com/v5"
_SCOPES = ("customers.list", "customers.get", "general.read")
_GATED = ("customers.accounts.read", "customers.loyalty.read")


class _Account(Account):
    """One token at Foodics, and what one run reads with it."""

    increments = (CUSTOMERS,)
    dimensions = (BUSINESSES,)
    windowed = (CUSTOMERS,)

    @cached_property
    def whoami(self) -> Record:
        """The business, the user and the scopes, asked for once a run."""
        found = api.whoami(self.client)
        held = found.get("scopes")
        known = held if isinstance(held, list) else _GATED
        for scope in _GATED:
            if scope not in known:
                self.client.log.info("foodics: no scope %s; what it shows is NULL", scope)
        return found

    @property
    def tenants(self) -> Iterable[str]:
        return [str(self.whoami["business"]["id"])]

    @property
    def readings(self) -> Mapping[Shape, Read]:
        return {
            BUSINESSES: self._read_business,
            TAGS: self._read_tags,
            CUSTOMERS: self._read_customers,
        }

    def context(self, shape: Shape, tenant: str, state: State) -> Context:  # noqa: ARG002
        return {"country": self.region} if shape is CUSTOMERS else {}

    @cached_property
    def _tags(self) -> Tags:
        return read_tags(self.client)

    def _read_business(self, _: str, scan: Scan) -> Reading:
        scan.report.requests += self.client.requests[BUSINESSES.resource]
        scan.take(Page([self.whoami["business"]], None, None))
        yield
        return None

    def _read_tags(self, _: str, scan: Scan) -> Reading:
        for page in self._tags.pages:
            scan.take(page)
            yield
        if self._tags.cut:
            scan.leave_out(
                ContractError(
                    "the vendor counts more tags than it shows. What it shows is published, none "
                    "was removed, and the next run reads all again. If it repeats, ask the vendor",
                    vendor="foodics",
                    account=self.client.account,
                    resource="tags",
                )
            )
        end_scope(scan, by_address(partial(api.tag, self.client), TAGS, scan))
        return None

    def _read_customers(self, _: str, scan: Scan) -> Reading:
        marks = Marks(CUSTOMERS, scan.place)
        living = Living(self.client, scan, marks, self.lag)
        deleted = Deleted(self.client, scan)
        if window := self.job.backfill:
            yield from living.read(window.since, window.until)
            yield from deleted.read(window.since)
            return None
        since = None
        if told := scan.state.get("watermark"):
            since = datetime.fromisoformat(told) - self.lag
        yield from living.read(None if scan.complete_kind else since)
        # Nobody's deletion is news to a log that holds nobody, but who was read as living just now.
        is_first = since is None and scan.scratch.alive("") == 0
        yield from deleted.read(living.began if is_first else since)
        if scan.complete_kind and not scan.left_out:
            end_scope(scan, by_address(partial(api.customer, self.client), CUSTOMERS, scan))
        yield from self._compare_tags(scan)
        return marks.watermark()

    def _compare_tags(self, scan: Scan) -> Reading:
        try:
            counts = self._tags.counts
        except VendorError:
            # The tags' own scan has said so.
            return None
        yield from compare(self.client, scan, counts)
        return None


@dlt.source(name="foodics", max_table_nesting=0)
def foodics(
    access_token: str = dlt.secrets.value,
    base_url: str = BASE_URL,
    account: str = "default",
    requests_per_minute: float = 0,
    max_wait_seconds: float = 300,
    full_scan_every_hours: float = 24,
    lag_minutes: float = 10,
    default_region: str | None = None,
    job: Any = None,
    transport: Any = None,
) -> list[DltResource]:
    """Return Foodics as a dlt source: the business, tags, and customers with tags and addresses.

    Usable by itself, as `sources.loke.loke` is.

    Args:
        access_token: The business's token.
        base_url: Address of the API.
        account: A name for this credential, for messages.
        requests_per_minute: Our own cap; 0 for none.
        max_wait_seconds: How long a run may wait for the vendor in all.
        full_scan_every_hours: How often customers are read completely.
        lag_minutes: How far behind the watermark is read again.
        default_region: Country of phone numbers without a dial code.
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
            access_token=access_token,
            base_url=base_url,
            requests_per_minute=requests_per_minute,
            max_wait_seconds=max_wait_seconds,
            full_scan_every_hours=full_scan_every_hours,
            lag_minutes=lag_minutes,
            default_region=default_region,
        ),
    )


def probe(job: Job, transport: Any, account: str, **values: Any) -> Probe:
    """Try the token with the cheapest question there is; `values` are `foodics`' settings."""
    reader = _account(job, transport, account, **values)
    facts = reader.whoami
    held = facts.get("scopes")
    known = held if isinstance(held, list) else [*_SCOPES, *_GATED]
    missing = [scope for scope in (*_SCOPES, *_GATED) if scope not in known]
    if any(scope in _SCOPES for scope in missing):
        raise AuthError(
            f"the token lacks {', '.join(missing)}. Nothing was changed; have the scopes granted",
            vendor="foodics",
            account=account,
            resource="customers",
        )
    lacks = f"; without {', '.join(missing)}, whose fields stay NULL" if missing else ""
    return Probe(f"business {facts['business']['id']}{lacks}", reader.client.vendor_time)


def _account(
    job: Job,
    transport: Any,
    account: str,
    *,
    access_token: str,
    base_url: str = BASE_URL,
    **values: Any,
) -> _Account:
    client = connect("foodics", account, job, base_url, transport, values, at_once=api.AT_ONCE)
    client.auth = bearer(access_token)
    reader = _Account(client, job)
    configure(reader, values)
    return reader
