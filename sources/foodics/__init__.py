"""Foodics v5: customers with their tags and addresses, and tags, of the token's business.

Cursor       `updated_at`, whole seconds, UTC; `filter[updated_after]`, of which nobody says whether
             it includes its instant: both are lived with, and what is seen is logged. Orders and
             balances may move without it, so a complete scan on a schedule reads everything.
Drift        read by keyset: always page 1, from the last stamp less a second, so that a record
             updated meanwhile moves ahead of us. Where filter or order are not obeyed, all pages
             are read by number.
Pages        50 at most, whatever is asked. Next links may lose the query, so only the fact that
             there is one is used. A silent stop after ten pages is met inside one equal stamp only.
Deletes      `deleted_at`; a second pass reads the deleted, last changed first. Where deleting does
             not move the stamp, which page 1 shows, all of them are read. Fewer deleted than
             before means a restore: those not shown any more are asked for by id. A customer who
             is in neither list is gone when its own address says so.
Tags         attaching one may move no stamp: each tag's own count is compared with ours, and where
             they differ its customers are read.
Scopes       house account and loyalty balances need scopes of their own and are NULL without.
Limits       90 requests a minute, 30 in the sandbox; the answers' headers are obeyed.
Left out     orders, coupons, house account and loyalty transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure
from sources.auth import bearer
from sources.confirm import by_address
from sources.drive import resources
from sources.errors import AuthError, Unavailable, VendorError
from sources.foodics import api
from sources.foodics.fields import BUSINESSES, CUSTOMERS, SHAPES, TAGS
from sources.http import Client, Probe
from sources.job import Job
from sources.keyset import Keyset, Place
from sources.order import Marks, NewestFirst
from sources.paging import Batch, Page, numbered
from sources.payload import Record
from sources.records import Context, Shape
from sources.removal import end_scope
from sources.scan import Reading, Scan, State
from sources.throttle import Limiter
from sources.walks import note

BASE_URL = "https://api.foodics.com/v5"
_SCOPES = ("customers.list", "customers.get", "general.read")
_GATED = ("customers.accounts.read", "customers.loyalty.read")
_TAGGED = CUSTOMERS.children[0]


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
    def _tags(self) -> list[Page]:
        return list(api.tags(self.client))

    def _read_business(self, _: str, scan: Scan) -> Reading:
        scan.report.requests += self.client.requests[BUSINESSES.resource]
        scan.take(Page([self.whoami["business"]], None, None))
        yield
        return None

    def _read_tags(self, _: str, scan: Scan) -> Reading:
        for page in self._tags:
            scan.take(page)
            yield
        end_scope(scan, by_address(partial(api.tag, self.client), TAGS))
        return None

    def _read_customers(self, _: str, scan: Scan) -> Reading:
        marks = Marks(CUSTOMERS, scan.place)
        if window := self.job.backfill:
            yield from self._living(scan, marks, window.since, window.until)
            yield from self._deleted(scan, window.since)
            return None
        since = None
        if not scan.complete_kind:
            since = datetime.fromisoformat(scan.state["watermark"]) - self.lag
        yield from self._living(scan, marks, since)
        yield from self._deleted(scan, since)
        if scan.complete_kind and not scan.left_out:
            end_scope(scan, by_address(partial(api.customer, self.client), CUSTOMERS))
        yield from self._compare_tags(scan)
        return marks.watermark()

    def _living(
        self, scan: Scan, marks: Marks, since: datetime | None, until: datetime | None = None
    ) -> Reading:
        """Read the living, oldest change first, or all by number where that is not obeyed."""
        place = scan.place
        if not place.get("walked"):
            keyset = Keyset(
                self.client,
                partial(api.changed, self.client),
                CUSTOMERS,
                api.OLDEST_FIRST,
                api.OTHER_ORDERS,
            )
            begin = Place.read(place["next"]) if "next" in place else Place(since)
            for page in keyset.pages(begin, until):
                note(scan, page, marks)
                place["next"] = page.next or place.get("next") or str(begin)
                if begin == Place(None):
                    place.setdefault("total", keyset.total)
                yield
            place["walked"] = True
            place["by_number"] = 0 if keyset.obeyed and not self._is_short(scan) else 1
        if place["by_number"]:
            self.client.log.warning(
                "foodics/customers: change filter and order do not show all; reading by number"
            )
        while place["by_number"]:
            for page in api.listed(self.client, place["by_number"], self._total_into(place)):
                note(scan, page, marks)
                place["by_number"] = int(page.next or 0)
                yield
        scan.report.vendor_total = place.get("total") if scan.complete_kind else None
        if scan.complete_kind and self._is_short(scan):
            scan.leave_out(
                Unavailable(
                    "the vendor counts more customers than it shows, in whatever order. What it "
                    "shows is published, nobody was removed, and the next run reads all again",
                    vendor="foodics",
                    account=self.client.account,
                    resource="customers",
                )
            )
        return None

    @staticmethod
    def _total_into(place: State) -> Callable[[Batch], None]:
        def tell(batch: Batch) -> None:
            place["total"] = batch.total

        return tell

    @staticmethod
    def _is_short(scan: Scan) -> bool:
        """Tell whether a complete scan has seen fewer than the vendor counts."""
        total = scan.place.get("total")
        if not scan.complete_kind or total is None:
            return False
        scan.flush()
        return bool(scan.scratch.seen("") < total)

    def _deleted(self, scan: Scan, since: datetime | None) -> Reading:
        """Read who was deleted since, last changed first; then who was restored in silence."""
        first: list[Batch] = []
        order = NewestFirst(CUSTOMERS, None, since or datetime.min.replace(tzinfo=UTC))
        enough = None if since is None else partial(self._deleted_enough, order)
        whole = False
        for page in numbered(
            self.client,
            partial(api.deleted, self.client),
            resource="customers",
            enough=enough,
            tell=first.append,
        ):
            scan.take(page)
            whole = page.next is None
            yield
        total = first[0].total
        if whole and total is None:
            total = sum(len(batch.records) for batch in first)
        scan.flush()
        before = scan.home.get("deleted_total")
        if self.job.backfill is None and total is not None:
            expected = None if before is None else before + scan.report.rows_removed
            if expected is not None and total < expected and not scan.complete_kind:
                yield from self._restored(scan)
            if before != total:
                scan.home["deleted_total"] = total
        return None

    def _deleted_enough(self, order: NewestFirst, page: Page) -> bool:
        """Tell whether the rest of the deleted is older; never where deleting moves no stamp."""
        if any(
            str(record.get("deleted_at") or "") > str(record.get("updated_at") or "")
            for record in page.records
        ):
            self.client.log.debug("foodics/customers: deleting moves no stamp; reading them all")
            return False
        return order.enough(page) and not order.broken

    def _restored(self, scan: Scan) -> Reading:
        """Ask for those the log holds as deleted and the vendor does not any more."""
        shown = {
            CUSTOMERS.record_id(record)
            for page in numbered(
                self.client, partial(api.deleted, self.client), resource="customers"
            )
            for record in page.records
        }
        gone = [
            record_id
            for heads in scan.log.heads(CUSTOMERS, scan.report.tenant_id)
            for record_id, op in zip(
                *(heads.column(name).to_pylist() for name in ("id", "op")), strict=True
            )
            if op == "delete" and record_id not in shown
        ]
        ask = by_address(partial(api.customer, self.client), CUSTOMERS)
        found = [answer for _, answer in ask(gone) if isinstance(answer, dict)]
        scan.take(Page(found, None, None))
        yield
        return None

    def _compare_tags(self, scan: Scan) -> Reading:
        """Compare each tag's count with ours, and read the customers of those that differ."""
        try:
            tags = {
                str(TAGS.record_id(tag)): tag.get("customers_count", tag.get("customersCount"))
                for page in self._tags
                for tag in page.records
                if tag.get("deleted_at") is None
            }
        except VendorError:
            # The tags' own scan has said so.
            return None
        scan.flush()
        ours = scan.kin.counts(_TAGGED)
        gaps: dict[str, int] = scan.home.get("count_gaps", {})
        for tag_id in sorted({*ours, *(tag for tag, count in tags.items() if count)}):
            theirs = tags.get(tag_id, 0)
            if not isinstance(theirs, int) or theirs - ours.get(tag_id, 0) == gaps.get(tag_id, 0):
                continue
            yield from self._read_tagged(scan, tag_id, listed=tag_id in tags)
            left = theirs - len(scan.kin.holders(_TAGGED, tag_id))
            gaps = {**gaps, tag_id: left}
        gaps = {tag_id: gap for tag_id, gap in gaps.items() if gap and tag_id in tags}
        if gaps != scan.home.get("count_gaps", {}):
            # A difference that stays (the vendor counts others too) is not asked about again.
            scan.home["count_gaps"] = gaps
        return None

    def _read_tagged(self, scan: Scan, tag_id: str, *, listed: bool) -> Reading:
        """Make a tag's memberships those the vendor shows for it."""
        shown: set[str] = set()
        if listed:
            for page in api.listed(self.client, filters={"filter[tags.id]": tag_id}):
                records = [one for one in page.records if _has_tag(one, tag_id)]
                scan.take(Page(records, page.next, page.vendor_time))
                shown |= {str(CUSTOMERS.record_id(record)) for record in records}
                yield
        elif api.tag(self.client, tag_id) is not None:
            return None
        scan.flush()
        lost = sorted(scan.kin.holders(_TAGGED, tag_id) - shown)
        if not lost:
            return None
        if not listed:
            scan.kin.end(_TAGGED, tag_id, lost)
            return None
        ask = by_address(partial(api.customer, self.client), CUSTOMERS)
        still = [answer for _, answer in ask(lost) if isinstance(answer, dict)]
        scan.take(Page(still, None, None))
        scan.flush()
        return None


def _has_tag(record: Record, tag_id: str) -> bool:
    """Tell whether a record has a tag: a filter that is ignored shows everybody."""
    held = record.get("tags")
    if not isinstance(held, list):
        return False
    return any(str(tag.get("id")) == tag_id for tag in held if isinstance(tag, dict))


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
    reader = _account(
        job or Job(strict=True),
        transport,
        account,
        access_token=access_token,
        base_url=base_url,
        requests_per_minute=requests_per_minute,
        max_wait_seconds=max_wait_seconds,
        full_scan_every_hours=full_scan_every_hours,
        lag_minutes=lag_minutes,
        default_region=default_region,
    )
    return resources(SHAPES, reader.scan)


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
    requests_per_minute: float = 0,
    max_wait_seconds: float = 300,
    **rest: Any,
) -> _Account:
    limiter = Limiter(job.timing, requests_per_minute, max_wait_seconds, stopped=job.stopped)
    client = Client(
        vendor="foodics", account=account, base_url=base_url, limiter=limiter, transport=transport
    )
    job.closing.callback(client.close)
    client.auth = bearer(access_token)
    reader = _Account(client, job)
    configure(reader, rest)
    return reader
