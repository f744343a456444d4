"""Walking by keyset where a vendor has only «changed after» and page numbers.

Always page 1, from the last stamp read less a second: no page is deep, so no cap is met, and a
record that moves while we read moves ahead of us, never past us. Pages 2, 3 … are asked for only
inside one equal stamp, as a bulk import leaves it; who leaves them meanwhile pulls others forward,
so they are read again where anybody did. What the filter does is judged by what comes back:
whether its bound is included, whether it is obeyed at all.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from sources.content import canonical
from sources.convert import Moments, dated, latest
from sources.http import Client
from sources.paging import Batch, Idle, Page
from sources.payload import Record
from sources.records import Shape
from sources.window import EPOCH, SECOND, Fetch, Hidden, Place, Window

_ROUNDS = 3


class Keyset:
    """One walk over one resource.

    Attributes:
        obeyed: Whether the filter and the order did what they say; if not, the walk has ended,
            and another way of reading is needed.
        cut: Whether more share one stamp than the vendor shows in any order.
    """

    def __init__(
        self, client: Client, fetch: Fetch, shape: Shape, sort: str, others: Sequence[str] = ()
    ) -> None:
        """Begin nothing yet.

        Args:
            client: Whom to name in what is said.
            fetch: Asks for one page.
            shape: Tells where the stamp is.
            sort: The vendor's name for oldest change first.
            others: Other orders, tried where a cap hides part of one equal stamp.
        """
        self.client, self._fetch, self._shape = client, fetch, shape
        self._sort, self._others = sort, others
        self.obeyed, self.cut = True, False
        self._inclusive = False
        self._fullest = 0
        self._window = Window(whole=False, since=None)
        self._idle = Idle(client, shape.resource)
        self._shown = dict[str, Record]()

    def pages(
        self, place: Place, until: datetime | None = None, first: Batch | None = None
    ) -> Iterator[Page]:
        """Yield pages, oldest change first, from a place on until the vendor has no more.

        `Page.next` names the place that follows.

        Args:
            place: Where to begin.
            until: Ends the walk behind this stamp; what is later is left out.
            first: The page that is there, where it was asked for before.
        """
        here, batch = place, first or self._fetch(place, self._sort)
        while True:
            stamps = self._shape.stamps(batch.records)
            if not self.obeys(here, batch, stamps):
                self.obeyed = False
                yield Page(batch.records, None, batch.vendor_time)
                return
            self._take_in(here, batch)
            onward, ready = self._next(here, batch, stamps), None
            fresh = self._fresh(batch, stamps, until)
            records, looked = [batch.records[at] for at in fresh], [stamps[at] for at in fresh]
            body = batch.body.only(fresh) if batch.body else None
            if until and any(stamp > until for stamp in dated(stamps)):
                onward = None
            elif onward is None and is_cut(here.page, batch, self._fullest):
                yield Page(records, str(here), batch.vendor_time)
                records, looked = [], []
                onward, ready = yield from self._around(here, batch, stamps)
            if here.page > 1 and (onward is None or onward.page == 1) and self._has_lost():
                yield Page(records, str(here), batch.vendor_time)
                records, looked = [], []
                yield from self._read_again(here)
            following = str(onward) if onward else None
            yield Page(records, following, batch.vendor_time, looked, body)
            if onward is None:
                return
            here, batch = onward, ready or self._fetch(onward, self._sort)

    def obeys(self, here: Place, batch: Batch, stamps: Moments | None = None) -> bool:
        """Tell whether what came is in order and behind the bound."""
        found = dated(self._shape.stamps(batch.records) if stamps is None else stamps)
        if not found:
            return True
        if any(later < earlier for earlier, later in pairwise(found)):
            return False
        first = found[0]
        if here.after is not None and first == here.after and not self._inclusive:
            self._inclusive = True
            self._say("the bound of the change filter is included")
        return here.after is None or first >= here.after

    def _fresh(self, batch: Batch, stamps: Moments, until: datetime | None) -> list[int]:
        """Return the places of those not later than `until` that were not given just so before.

        The last second of a page is asked for again: who was there is there again, unless changed.
        Of who is on a page twice, the last that was given is the one that counts.
        """
        given, self._shown = self._shown, {}
        fresh, told = list[int](), map(self._shape.record_id, batch.records)
        for at, (one, record) in enumerate(zip(told, batch.records, strict=True)):
            if one is not None:
                before, given[one] = given.get(one), record
                self._shown[one] = record
                # Python takes 1 for True.
                if before == record and canonical(before) == canonical(record):
                    continue
            stamp = stamps[at]
            if not (until and stamp and stamp > until):
                fresh.append(at)
        return fresh

    def _take_in(self, here: Place, batch: Batch) -> None:
        if here.page == 1:
            self._window = Window(whole=True, since=batch.vendor_time)
        else:
            self._idle.look_at(Page(batch.records, None, None))
        self._fullest = max(self._fullest, len(batch.records))
        self._window.add(map(self._shape.record_id, batch.records), batch.total)

    def _next(self, here: Place, batch: Batch, stamps: Moments) -> Place | None:
        """Return where the walk goes on, None where it cannot."""
        if not batch.more and not is_cut(here.page, batch, self._fullest):
            return None
        last = latest(stamps)
        if last is not None and (here.after is None or last - SECOND > here.after):
            before = last - SECOND
            # Where all of a first page is of that second, it would be the same page again.
            same = here.page == 1 and batch.more and all(one and one > before for one in stamps)
            return Place(before, 2 if same else 1)
        return Place(here.after, here.page + 1) if batch.more else None

    def _has_lost(self) -> bool:
        """Tell whether anybody may have left what was read after one stamp, page by page.

        Who is changed leaves it for the end, who is deleted leaves the total: either pulls others
        forward, to a page that was read.
        """
        window = self._window
        if not window.whole:
            return False
        if window.since is None or None in window.told or len(window.told) > 1:
            return True
        changed = self._fetch(Place(window.since - SECOND), self._sort)
        ids = set(map(self._shape.record_id, changed.records))
        return changed.more or not window.ids.isdisjoint(ids)

    def _read_again(self, here: Place) -> Iterator[Page]:
        """Read all pages up to this one until they bring nobody new, or nobody leaves them."""
        self._say("records that share a stamp changed while they were read; reading them again")
        # Whoever is as on an earlier page may have been otherwise on one of these.
        self._shown = {}
        for _ in range(_ROUNDS):
            known, self._window = self._window.ids, Window(whole=True, since=None)
            for number in range(1, here.page + 1):
                batch = self._fetch(Place(here.after, number), self._sort)
                self._window.since = self._window.since or batch.vendor_time
                self._window.add(map(self._shape.record_id, batch.records), batch.total)
                yield Page(batch.records, str(here), batch.vendor_time)
            if self._window.ids <= known or not self._has_lost():
                return
            self._window.ids |= known

    def _around(
        self, here: Place, batch: Batch, stamps: Moments
    ) -> Generator[Page, None, tuple[Place | None, Batch | None]]:
        """Read what a cap may hide of one equal stamp; return where to go on."""
        self._shown = {}
        last = latest(stamps)
        jump = Place(last or EPOCH)
        beyond = self._fetch(jump, self._sort)
        if last in self._shape.stamps(beyond.records):
            if last is None:
                # They have no stamp, and cannot have changed after any moment.
                self.obeyed = False
                return None, None
            jump = Place(last + SECOND)
            beyond = self._fetch(jump, self._sort)
        hidden = Hidden(self._fetch, self._shape, (self._sort, *self._others), self._window)
        told = batch.total is not None and beyond.total is not None
        if told and not (yield from hidden.bring(here, jump, last)):
            self.cut = True
        elif not told and (yield from hidden.look(here, last)):
            again = self._fetch(here, self._sort)
            if again.more or again.records != batch.records:
                # They have only just come to have that stamp.
                return here, again
            self.cut = True
        return (jump, beyond) if beyond.records else (None, None)

    def _say(self, what: str) -> None:
        log = logging.getLogger(f"regulars.{self.client.vendor}")
        log.info("%s/%s: %s", self.client.vendor, self._shape.resource, what)


def is_cut(number: int, batch: Batch, fullest: int) -> bool:
    """Tell whether pages may end here before the records do: more are counted, or it is full.

    Args:
        number: The page's.
        batch: The page.
        fullest: How many a full page holds, where the vendor does not say.
    """
    if batch.more or not batch.records:
        return False
    size = batch.size or fullest
    if batch.total is not None:
        return (number - 1) * size + len(batch.records) < batch.total
    return len(batch.records) >= size


def stamp_text(moment: datetime) -> str:
    """Return a stamp as `YYYY-MM-DD HH:MM:SS`, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
