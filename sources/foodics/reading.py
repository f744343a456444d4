"""How Foodics' customers are read: the living, oldest change first; the deleted; the restored."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil

import pyarrow.compute as pc

from sources.abreast import abreast
from sources.confirm import by_address
from sources.errors import Unavailable
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.keyset import Keyset, Place
from sources.order import Marks, NewestFirst
from sources.paging import Batch, Page, numbered
from sources.scan import Reading, Scan, State
from sources.stretches import Stretch, stretches
from sources.walks import note

# Walks abreast cost a page each where they meet: fewer pages than these are not worth one.
_LEAST_PAGES = 20
# An answer may take so many seconds; under a cap no more walks are of use than wait at a time.
_SLOWEST = 2
_UNSETTLED = timedelta(minutes=10)


class Reader:
    """Reads the customers for one scan."""

    def __init__(self, client: Client, scan: Scan, marks: Marks, lag: timedelta) -> None:
        self.client, self.scan, self.marks = client, scan, marks
        # What changed this recently may still be changing: it is read when all else is.
        self._unsettled = max(lag, _UNSETTLED)
        self._first: dict[str, Batch] = {}

    def living(self, since: datetime | None, until: datetime | None = None) -> Reading:
        """Read the living, oldest change first, or all by number where that is not obeyed."""
        scan, place = self.scan, self.scan.place
        if not place.get("walked"):
            obeyed = yield from self._by_stamp(since, until)
            place["walked"] = True
            place["by_number"] = 0 if obeyed and not self._is_short() else 1
        if place["by_number"]:
            self.client.log.warning(
                "foodics/customers: change filter and order do not show all; reading by number"
            )
        while place["by_number"]:
            for page in api.listed(self.client, place["by_number"], self._tell_total):
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

    def _by_stamp(
        self, since: datetime | None, until: datetime | None
    ) -> Generator[None, None, bool]:
        """Walk by stamp, in several walks abreast; return whether filter and order were obeyed.

        The last walk begins when the others have ended, before what may have changed meanwhile:
        who is touched moves there, past every other walk.
        """
        place = self.scan.place
        if "next" in place:  # a checkpoint of before there were several walks
            place["walks"] = [{"next": place.pop("next"), "until": None}]
        if "walks" not in place:
            place["walks"] = self._plan(since, until)
        for several in (place["walks"][:-1], place["walks"][-1:]):
            keysets = [self._keyset() for _ in several]
            walks = {
                at: self._walk(keyset, walk)
                for at, (keyset, walk) in enumerate(zip(keysets, several, strict=True))
                if walk["next"] is not None
            }
            for at, page in abreast(walks):
                note(self.scan, page, self.marks)
                several[at]["next"] = page.next
                yield
                if page.next is None and not keysets[at].obeyed:
                    return False
        return True

    def _keyset(self) -> Keyset:
        fetch = partial(api.changed, self.client)
        return Keyset(self.client, fetch, CUSTOMERS, api.OLDEST_FIRST, api.OTHER_ORDERS)

    def _walk(self, keyset: Keyset, walk: State) -> Callable[[], Iterator[Page]]:
        until = datetime.fromisoformat(walk["until"]) if walk["until"] else None
        first = self._first.pop(walk["next"], None)
        return partial(keyset.pages, Place.read(walk["next"]), until, first)

    def _plan(self, since: datetime | None, until: datetime | None) -> list[State]:
        """Return the walks to make; several where everything is read and there is much of it."""
        whole = {"next": str(Place(since)), "until": until.isoformat() if until else None}
        if not self.scan.complete_kind:
            return [whole]
        first = api.changed(self.client, Place(since), api.OLDEST_FIRST)
        self._first[str(Place(since))] = first
        self.scan.place["total"] = first.total
        self.marks.see(Page([], None, first.vendor_time), self.scan.job.timing.now())
        cut = self._cut(first)
        for piece in cut:
            self._first[str(Place(piece.after))] = piece.first
        return [
            *({"next": str(Place(one.after)), "until": one.until.isoformat()} for one in cut),
            {"next": str(Place(cut[-1].until)), "until": None} if cut else whole,
        ]

    def _cut(self, first: Batch) -> list[Stretch]:
        """Return what can be walked abreast: all but what may still be changing."""
        stamps = CUSTOMERS.stamps(first.records)
        low, pages = pc.min(stamps).as_py(), (first.total or 0) / max(1, len(first.records))
        count = min(api.AT_ONCE, int(pages // _LEAST_PAGES))
        if cap := self.client.limiter.per_minute:
            count = min(count, ceil(cap / 60 * _SLOWEST))
        if low is None or first.vendor_time is None or count <= 1:
            return []
        keyset = self._keyset()

        def ask(moment: datetime) -> Batch | None:
            batch = api.changed(self.client, Place(moment), api.OLDEST_FIRST)
            return batch if keyset.obeys(Place(moment), batch) else None

        high = first.vendor_time - self._unsettled
        return stretches(ask, first, low, high, count) if low < high else []

    def _tell_total(self, batch: Batch) -> None:
        self.scan.place["total"] = batch.total

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
