"""Who was deleted at Foodics, last changed first, and who was restored without a trace."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import partial

from sources.confirm import by_address
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
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
        order = NewestFirst(CUSTOMERS, None, since or datetime.min.replace(tzinfo=UTC))
        yield from self._pages(None if since is None else partial(self._enough, order))
        if self._next is None and self._total is None:
            self._total = self._read
        before = scan.home.get("deleted_total")
        if scan.job.backfill or self._total is None:
            return None
        scan.flush()
        if before is not None and not scan.complete_kind:
            expected = before + scan.report.rows_removed
            if self._total > expected and self._next:
                self.client.log.info("foodics/customers: more are deleted than show; reading all")
                yield from self._pages(None)
            elif self._total < expected:
                yield from self._restored(self._total)
        if before != self._total:
            scan.home["deleted_total"] = self._total
        return None

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

    def _enough(self, order: NewestFirst, page: Page) -> bool:
        """Tell whether the rest of the deleted is older; never where deleting moves no stamp."""
        if any(
            str(record.get("deleted_at") or "") > str(record.get("updated_at") or "")
            for record in page.records
        ):
            self.client.log.info("foodics/customers: deleting moves no stamp; reading all deleted")
            return False
        return order.enough(page) and not order.broken

    def _restored(self, total: int) -> Reading:
        """Ask for those the log holds as deleted and the vendor does not any more.

        Some of them are gone for good: they are asked for once. Where they are many, whoever was
        restored is left to the next complete scan.
        """
        scan = self.scan
        buried = {
            record_id
            for heads in scan.log.heads(CUSTOMERS, scan.report.tenant_id)
            for record_id, op in zip(
                *(heads.column(name).to_pylist() for name in ("id", "op")), strict=True
            )
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
