"""How Foodics' customers are read: the living, oldest change first; the deleted; the restored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from sources.confirm import by_address
from sources.errors import Unavailable
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.keyset import Keyset, Place
from sources.order import Marks, NewestFirst
from sources.paging import Batch, Page, numbered
from sources.scan import Reading, Scan, State
from sources.walks import note


class Reader:
    """Reads the customers for one scan."""

    def __init__(self, client: Client, scan: Scan, marks: Marks) -> None:
        self.client, self.scan, self.marks = client, scan, marks

    def living(self, since: datetime | None, until: datetime | None = None) -> Reading:
        """Read the living, oldest change first, or all by number where that is not obeyed."""
        scan, place = self.scan, self.scan.place
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
                note(scan, page, self.marks)
                place["next"] = page.next or place.get("next") or str(begin)
                if begin == Place(None):
                    place.setdefault("total", keyset.total)
                yield
            place["walked"] = True
            place["by_number"] = 0 if keyset.obeyed and not self._is_short() else 1
        if place["by_number"]:
            self.client.log.warning(
                "foodics/customers: change filter and order do not show all; reading by number"
            )
        while place["by_number"]:
            for page in api.listed(self.client, place["by_number"], self._total_into(place)):
                note(scan, page, self.marks)
                place["by_number"] = int(page.next or 0)
                yield
        scan.report.vendor_total = place.get("total") if scan.complete_kind else None
        if scan.complete_kind and self._is_short():
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

    def _is_short(self) -> bool:
        """Tell whether a complete scan has seen fewer than the vendor counts."""
        scan = self.scan
        total = scan.place.get("total")
        if not scan.complete_kind or total is None:
            return False
        scan.flush()
        return bool(scan.scratch.seen("") < total)

    def deleted(self, since: datetime | None) -> Reading:
        """Read who was deleted since, last changed first; then who was restored in silence."""
        scan = self.scan
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
        if scan.job.backfill is None and total is not None:
            expected = None if before is None else before + scan.report.rows_removed
            if expected is not None and total < expected and not scan.complete_kind:
                yield from self._restored()
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

    def _restored(self) -> Reading:
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
            for heads in self.scan.log.heads(CUSTOMERS, self.scan.report.tenant_id)
            for record_id, op in zip(
                *(heads.column(name).to_pylist() for name in ("id", "op")), strict=True
            )
            if op == "delete" and record_id not in shown
        ]
        ask = by_address(partial(api.customer, self.client), CUSTOMERS, self.scan)
        found = [answer for _, answer in ask(gone) if isinstance(answer, dict)]
        self.scan.take(Page(found, None, None))
        yield
        return None
