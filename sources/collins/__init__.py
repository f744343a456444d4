"""Access Collins: customers with labels, consents, venues and bookings, of what the token sees.

Cursor       `last_updated`, whole seconds without a zone, taken as UTC; the filter knows days only
             and nobody says of which zone. An increment asks from the day before the watermark's,
             newest first, and compares by content. Bookings and consents may move no stamp: a
             complete scan on a schedule finds those.
Drift        page numbers: newest first, whoever is updated meanwhile jumps to page 1 and is found
             by the next run. Every walk is repeated until as many were seen as are counted.
Pages        30 at most, `X-Pagination-*` headers; without them a short page is the end. Complete
             scans go by slices of days under 9 000 rows, because a search engine's window may end
             at 10 000; who has no stamp is found by comparing totals, at either end of an order.
Deletes      nowhere shown: absent from a complete scan, then 404 or 410 on its own address.
Lists        labels are strings on the customer; venues and, by venue group, marketing preferences
             have addresses of their own. A label's own total is compared with ours in complete
             scans, because a record without the key says nothing.
Unknown      missing, null and '' are one.
Limits       by the hour, number unpublished; `X-RateLimit-*`, reset in ISO 8601, obeyed.
Left out     bookings by themselves, deposits, areas.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Any

import dlt
from dlt.extract import DltResource

from sources.account import Account, Read, configure, connect
from sources.auth import bearer
from sources.collins import api
from sources.collins.fields import CUSTOMERS, MARKETING_PREFERENCES, SHAPES, VENUES
from sources.collins.reading import Reader, Slices
from sources.collins.walk import End, Filters
from sources.confirm import by_address
from sources.drive import resources
from sources.gaps import Gaps
from sources.http import Client, Probe
from sources.job import Job
from sources.order import Marks
from sources.paging import Page
from sources.payload import Record
from sources.records import Child, Context, Shape
from sources.removal import end_scope, is_too_many
from sources.scan import Reading, Scan, State

BASE_URL = "https://api.collinsbookings.com/api"
_HOUR = 3600
_COUNTED: dict[str, Child] = {
    "labels": CUSTOMERS.children[0],
    "associated_venues": CUSTOMERS.children[1],
}
"""Filter of the customers' list → the children whose number its total is."""


class _Account(Account):
    """One token at Collins, and what one run reads with it."""

    increments = (CUSTOMERS,)
    windowed = (CUSTOMERS,)

    def __init__(self, client: Client, job: Job, tenant_id: str) -> None:
        super().__init__(client, job)
        self.tenant_id = tenant_id

    @property
    def tenants(self) -> Iterable[str]:
        return [self.tenant_id]

    @property
    def readings(self) -> Mapping[Shape, Read]:
        return {
            VENUES: self._read_venues,
            MARKETING_PREFERENCES: self._read_preferences,
            CUSTOMERS: self._read_customers,
        }

    def context(self, shape: Shape, tenant: str, state: State) -> Context:  # noqa: ARG002
        return {"country": self.region} if shape is CUSTOMERS else {}

    @cached_property
    def venues(self) -> list[Record]:
        """Every venue, asked for once a run."""
        return api.venues(self.client)

    def _read_venues(self, _: str, scan: Scan) -> Reading:
        scan.take(Page(self.venues, None, None))
        yield
        end_scope(scan, by_address(partial(api.venue, self.client), VENUES, scan))
        return None

    def _read_preferences(self, _: str, scan: Scan) -> Reading:
        """Read by venue group, which names retired ones too; by venue where it has no group."""
        owners = {
            ("venue-groups", str(group)) if group else ("venues", str(venue.get("id")))
            for venue in self.venues
            for group in [venue.get("venue_group")]
        }
        for owner in sorted(owners):
            scan.take(Page(api.preferences(self.client, *owner), None, None))
            yield

        def confirm(ids: Sequence[str]) -> Iterator[tuple[str, Record | bool]]:
            """Read all once more: they have no address of their own."""
            lists = (api.preferences(self.client, *owner) for owner in sorted(owners))
            there = {MARKETING_PREFERENCES.record_id(one): one for each in lists for one in each}
            for one in ids:
                yield one, there.get(one, True)

        end_scope(scan, confirm)
        return None

    def _read_customers(self, _: str, scan: Scan) -> Reading:
        marks = Marks(CUSTOMERS, scan.place)
        today = self.job.timing.now().date()
        reader = Reader(self.client, scan, marks, today)
        if window := self.job.backfill:
            until = window.until or self.job.timing.now()
            self._judge(scan, reader, (yield from reader.window(window.since, until)))
            return None
        if not scan.complete_kind:
            watermark = datetime.fromisoformat(scan.state["watermark"])
            since = (watermark - self.lag).date() - timedelta(days=1)
            self._judge(scan, reader, (yield from reader.newest(since, watermark)))
            return marks.watermark()
        end = yield from reader.everything()
        scan.report.vendor_total = reader.total
        if not self._judge(scan, reader, end):
            return None
        end_scope(scan, by_address(partial(api.customer, self.client), CUSTOMERS, scan))
        yield from self._compare(scan, today)
        return marks.watermark()

    def _judge(self, scan: Scan, reader: Reader, end: End) -> bool:
        """Tell whether all was read that was to be; note it where it was not."""
        if end is not End.WHOLE:
            scan.leave_out(reader.failure(end))
        return end is End.WHOLE

    def _compare(self, scan: Scan, today: date) -> Reading:
        """Compare each label's and venue's total with ours; end what a silent record has lost."""
        scan.flush()
        gaps, lists = Gaps(scan), set[str]()
        for name, child in sorted(_COUNTED.items()):
            for key, ours in sorted(scan.kin.counts(child).items()):
                lists.add(said := f"{name}={key}")
                if "," in key or [name, key] <= scan.place.get("compared", []):
                    continue  # the filter would take it for two; or it was compared before
                total = api.total(self.client, {name: key})
                if total is not None and not gaps.has(said, total - ours):
                    whole = yield from self._look_into(scan, child, {name: key}, today)
                    gaps.note(said, total - len(scan.kin.holders(child, key)) if whole else 0)
                scan.place["compared"] = [name, key]
                scan.pages += 1
                yield
        gaps.keep(lists)
        return None

    def _look_into(
        self, scan: Scan, child: Child, filters: Filters, today: date
    ) -> Generator[None, None, bool]:
        """Read who has a label; end it for others of whom we hold it and who do not say so.

        Returns whether all who have it were shown.
        """
        ((name, key),) = filters.items()
        place = scan.place.setdefault("looking", {"shown": {}})

        def keep(page: Page) -> None:
            scan.take(page)
            shown = (str(CUSTOMERS.record_id(record)) for record in page.records)
            place["shown"].update(dict.fromkeys(shown))

        end = yield from Slices(self.client, place, keep, today).read([filters])
        scan.flush()
        ours = scan.kin.holders(child, key)
        lost = sorted(ours - scan.place.pop("looking")["shown"].keys())
        if end is not End.WHOLE or not lost:
            return end is End.WHOLE
        if is_too_many(scan, len(lost), len(ours)):
            told = "collins/customers: %d of %d are not found by their %s; they stand as they were"
            self.client.log.warning(told, len(lost), len(ours), name)
            return False
        # A filter may take a label for another; the record's own word is the last.
        confirm = by_address(partial(api.customer, self.client), CUSTOMERS, scan)
        for customer_id, answer in confirm(lost):
            if isinstance(answer, dict) and not _holds(child, answer, key):
                scan.kin.end(child, key, [customer_id])
        return True


def _holds(child: Child, record: Record, key: str) -> bool:
    """Tell whether a record says that it has this child."""
    held = child.entries(record) or []
    return any(child.shape.record_id(entry) == key for entry in held)


@dlt.source(name="collins", max_table_nesting=0)
def collins(
    access_token: str = dlt.secrets.value,
    tenant_id: str | None = None,
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
    """Return Collins as a dlt source: venues, marketing preferences, and customers with theirs.

    Usable by itself, as `sources.loke.loke` is.

    Args:
        access_token: The token an account manager issued.
        tenant_id: A name of your own for what the token sees; the account's unless given.
        base_url: Address of the API.
        account: A name for this credential, for messages.
        requests_per_minute: Our own cap; 0 for none.
        max_wait_seconds: How long a run may wait for the vendor in all.
        full_scan_every_hours: How often customers are read completely.
        lag_minutes: How far behind the watermark the day is taken that is read again from.
        default_region: Country of local phone numbers.
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
            tenant_id=tenant_id,
            base_url=base_url,
            requests_per_minute=requests_per_minute,
            max_wait_seconds=max_wait_seconds,
            full_scan_every_hours=full_scan_every_hours,
            lag_minutes=lag_minutes,
            default_region=default_region,
        ),
    )


def probe(job: Job, transport: Any, account: str, **values: Any) -> Probe:
    """Try the token with the cheapest question there is; `values` are `collins`' settings."""
    reader = _account(job, transport, account, **values)
    total = api.total(reader.client, {})
    sees = "its customers" if total is None else f"{total} customers"
    return Probe(sees, reader.client.vendor_time)


def _account(
    job: Job,
    transport: Any,
    account: str,
    *,
    access_token: str,
    tenant_id: str | None = None,
    base_url: str = BASE_URL,
    **values: Any,
) -> _Account:
    client = connect("collins", account, job, base_url, transport, values, window=_HOUR)
    client.auth = bearer(access_token)
    reader = _Account(client, job, tenant_id or account)
    configure(reader, values)
    return reader
