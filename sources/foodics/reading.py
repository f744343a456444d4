"""How Foodics' living customers are read: oldest change first, in several walks abreast."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from sources.abreast import abreast
from sources.convert import dated
from sources.errors import ContractError, Unavailable, VendorError
from sources.foodics import api
from sources.foodics.fields import CUSTOMERS
from sources.http import Client
from sources.keyset import Keyset, is_cut
from sources.order import Marks
from sources.paging import Batch, Page
from sources.scan import Reading, Scan, State
from sources.stretches import Stretch, stretches
from sources.walks import note, tell_unstamped
from sources.window import Place

# Walks abreast cost a page each where they meet: fewer pages than these are not worth one.
_LEAST_PAGES = 20
# An answer may take so many seconds; under a cap no more walks are of use than wait at a time.
_SLOWEST = 2
_UNSETTLED = timedelta(minutes=10)


class Living:
    """Reads the living customers for one scan."""

    def __init__(self, client: Client, scan: Scan, marks: Marks, lag: timedelta) -> None:
        self.client, self.scan, self.marks = client, scan, marks
        # What changed this recently may still be changing: it is read when all else is.
        self._unsettled = max(lag, _UNSETTLED)
        self._first: dict[str, Batch] = {}

    @property
    def began(self) -> datetime:
        """When reading began, by the vendor's clock, less what may still be changing."""
        return datetime.fromisoformat(str(self.scan.place["started"])) - self._unsettled

    def read(self, since: datetime | None, until: datetime | None = None) -> Reading:
        """Read who changed between two moments, or all by number where that is not obeyed."""
        scan, place = self.scan, self.scan.place
        if not place.get("walked"):
            obeyed = yield from self._by_stamp(since, until)
            if obeyed and self._is_short():
                # Who was deleted meanwhile is not counted any more.
                now = api.changed(self.client, Place(None), api.OLDEST_FIRST)
                place["total"] = now.total
            place["walked"] = True
            place["by_number"] = 0 if obeyed and (self._cut or not self._is_short()) else 1
        if place["by_number"]:
            yield from self._by_number()
        if scan.complete_kind:
            scan.report.vendor_total = place.get("total")
            tell_unstamped(scan, self.marks.without_stamp)
        if self._cut or self._is_short():
            scan.leave_out(self._failure())
        return None

    @property
    def _cut(self) -> bool:
        """Whether pages were seen to end before the customers do."""
        return bool(self.scan.place.get("cut"))

    def _by_stamp(
        self, since: datetime | None, until: datetime | None
    ) -> Generator[None, None, bool]:
        """Walk by stamp, in several walks abreast; return whether filter and order were obeyed.

        The last walk begins when the others have ended, before what may have changed meanwhile:
        who is touched moves there, past every other walk.
        """
        place = self.scan.place
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
                if page.next is None:
                    self._note_cut(cut=keysets[at].cut)
                    if not keysets[at].obeyed:
                        return False
        return True

    def _by_number(self) -> Reading:
        """Read all pages by number: what is left where the filter or the order does nothing."""
        self.client.log.warning(
            "foodics/customers: change filter and order do not show all; reading by number"
        )
        place, last, fullest, fallen = self.scan.place, Batch([], more=False), 0, 0

        def tell(batch: Batch) -> None:
            nonlocal last, fullest, fallen
            last, fullest = batch, max(fullest, len(batch.records))
            fallen = max(0, (place.get("total") or 0) - (batch.total or 0))
            place["total"] = batch.total

        number = place["by_number"]
        while place["by_number"]:
            for page in api.listed(self.client, place["by_number"], tell):
                note(self.scan, page, self.marks)
                number, place["by_number"] = place["by_number"], int(page.next or 0)
                if fallen and number > 1:
                    # Who is gone has pulled as many others forward, past this page.
                    place["by_number"] = max(1, number - ceil(fallen / max(1, fullest)))
                    break
                yield
        if is_cut(number, last, fullest):
            self._note_cut(cut=last.total is not None or self._shows_others())
        return None

    def _shows_others(self) -> bool:
        """Tell whether the youngest are not among those seen, where no total tells."""
        self.scan.flush()
        youngest = api.changed(self.client, Place(None), api.YOUNGEST_FIRST).records
        ids = [one for one in map(CUSTOMERS.record_id, youngest) if one is not None]
        return len(self.scan.scratch.hashes(ids, seen=True)) < len(ids)

    def _note_cut(self, *, cut: bool) -> None:
        self.scan.place["cut"] = self._cut or cut

    def _failure(self) -> VendorError:
        """Return the error of customers that could not all be read."""
        where: dict[str, Any] = {
            "vendor": "foodics",
            "account": self.client.account,
            "resource": "customers",
        }
        if self._cut:
            return ContractError(
                "the vendor ends its pages before its customers, in whatever order. What it shows "
                "is published, nobody was removed, the watermark has not moved, and the next run "
                "reads the same again. If it repeats, ask the vendor",
                **where,
            )
        return Unavailable(
            "customers moved between pages each time they were read. What was seen is published, "
            "nobody was removed, and the next run reads all again",
            **where,
        )

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
        cut = self._stretches(first)
        for piece in cut:
            self._first[str(Place(piece.after))] = piece.first
        return [
            *({"next": str(Place(one.after)), "until": one.until.isoformat()} for one in cut),
            {"next": str(Place(cut[-1].until)), "until": None} if cut else whole,
        ]

    def _stretches(self, first: Batch) -> list[Stretch]:
        """Return what can be walked abreast: all but what may still be changing."""
        low = min(dated(CUSTOMERS.stamps(first.records)), default=None)
        pages = (first.total or 0) / max(1, len(first.records))
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

    def _is_short(self) -> bool:
        """Tell whether a complete scan has seen fewer than the vendor counts."""
        scan = self.scan
        total = scan.place.get("total")
        if not scan.complete_kind or total is None:
            return False
        scan.flush()
        return bool(scan.scratch.seen("") + scan.changes.nameless < total)
