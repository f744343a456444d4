"""Who was deleted at Foodics, last changed first, and who was restored without a trace."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from functools import partial

from sources.confirm import by_address
from sources.convert import latest
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.known import rows_of
from sources.order import NewestFirst
from sources.paging import Batch, Page, numbered
from sources.scan import Reading, Scan

# So many are asked for one by one, and so many that are gone for good are remembered.
_MOST = 100


class Deleted:
    """Reads the deleted customers for one scan.

    Their number tells what their order may not: deleting and restoring may move no stamp.
    """

    def __init__(self, client: Client, scan: Scan) -> None:
        self.client, self.scan = client, scan
        self._total: int | None = None
        self._read = 0
        self._next: int | None = 1

    def read(self, since: datetime | None) -> Reading:
        """Read who was deleted since, None: ever; then who was restored in silence."""
        scan = self.scan
        yield from self._pages(None if since is None else self._enough(since))
        if self._next is None and self._total is None:
            self._total = self._read
        if scan.job.backfill or self._total is None:
            return None
        if self._before is not None:
            more = self._total - self._expected
            if more > 0 and self._next:
                self.client.log.info("foodics/customers: more are deleted than show; reading all")
                yield from self._pages(None)
            elif more < 0 and not scan.complete_kind:
                yield from self._restored(self._total)
        if self._before != self._total:
            scan.home["deleted_total"] = self._total
        return None

    @property
    def _before(self) -> int | None:
        """How many were deleted when the last scan ended."""
        told: int | None = self.scan.home.get("deleted_total")
        return told

    @property
    def _expected(self) -> int:
        """How many should be deleted now: as many as before, and those found by this scan."""
        self.scan.flush()
        return (self._before or 0) + self.scan.report.rows_removed

    def _pages(self, enough: Callable[[Page], bool] | None) -> Generator[None, None, None]:
        """Take pages from where the last one ended, until there are no more or `enough`."""
        for page in numbered(
            self.client,
            partial(api.deleted, self.client),
            resource="customers",
            start=self._next or 1,
            enough=enough,
            tell=self._tell,
        ):
            self.scan.take(page)
            self._next = int(page.next) if page.next else None
            yield

    def _tell(self, batch: Batch) -> None:
        # Whoever is deleted while these are read stands in front, and is found by the next run.
        self._total = batch.total if not self._read else self._total
        self._read += len(batch.records)

    def _enough(self, since: datetime) -> Callable[[Page], bool]:
        """Return what tells whether the rest is older; never so where deleting moves no stamp."""
        order = NewestFirst(CUSTOMERS, None, since)

        def enough(page: Page) -> bool:
            if any(
                str(record.get("deleted_at") or "") > str(record.get("updated_at") or "")
                for record in page.records
            ):
                told = "foodics/customers: deleting moves no stamp; reading all deleted"
                self.client.log.info(told)
                return False
            if order.enough(page):
                return not order.broken
            # A page of one stamp shows no order; their number may show that nobody is new.
            newest = latest(CUSTOMERS.stamps(page.records))
            return newest is not None and newest < since and self._total == self._expected

        return enough

    def _restored(self, total: int) -> Reading:
        """Ask for those the log holds as deleted and the vendor does not any more.

        Some of them are gone for good: they are asked for once. Where they are many, whoever was
        restored is left to the next complete scan.
        """
        scan = self.scan
        buried = {
            record_id
            for heads in scan.log.heads(CUSTOMERS, scan.report.tenant_id)
            for record_id, op in rows_of(heads, "id", "op")
            if op == "delete"
        } - set(scan.home.get("erased", ()))
        if len(buried) - total > _MOST:
            return None
        for page in numbered(self.client, partial(api.deleted, self.client), resource="customers"):
            buried -= {str(CUSTOMERS.record_id(record)) for record in page.records}
        ask = by_address(partial(api.customer, self.client), CUSTOMERS, scan)
        gone = []
        for record_id, answer in ask(sorted(buried)[:_MOST]):
            if isinstance(answer, dict):
                scan.take(Page([answer], None, None))
            elif answer is True:
                gone.append(record_id)
        yield
        if gone:
            scan.home["erased"] = [*gone, *scan.home.get("erased", ())][:_MOST]
        return None
