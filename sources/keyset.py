"""Walking by keyset where a vendor has only «changed after» and page numbers.

Always page 1, from the last stamp read less a second: no page is deep, so no cap is met, and a
record that moves while we read moves ahead of us, never past us. Pages 2, 3 … are asked for only
inside one equal stamp, as a bulk import leaves it. What the filter does is judged by what comes
back: whether its bound is included, whether it is obeyed at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from sources.errors import ContractError
from sources.http import Client
from sources.paging import Batch, Page
from sources.records import Shape

SECOND = timedelta(seconds=1)
# Where a vendor caps its pages in silence it has been seen to do so at the tenth.
_SUSPICIOUS = 10

Fetch = Callable[["Place", str], Batch]
"""(where, sort) → one page of what changed after `where.after`."""


@dataclass(frozen=True)
class Place:
    """Where the walk is: after this stamp (None: from the beginning), on this page."""

    after: datetime | None
    page: int = 1

    def __str__(self) -> str:
        return f"{self.after.isoformat() if self.after else ''}|{self.page}"

    @classmethod
    def read(cls, text: str) -> Place:
        """Return the place a checkpoint names."""
        after, _, page = text.partition("|")
        return cls(datetime.fromisoformat(after) if after else None, int(page))


@dataclass
class Keyset:
    """One walk over one resource.

    Attributes:
        fetch: Asks for one page.
        shape: Tells where the stamp is.
        sort: The vendor's name for oldest change first.
        others: Other orders, tried where a cap hides part of one equal stamp.
        total: How many the vendor said there are after where the walk began.
        obeyed: Whether the filter and the order did what they say; if not, the walk has ended,
            and another way of reading is needed.
    """

    client: Client
    fetch: Fetch
    shape: Shape
    sort: str
    others: Sequence[str] = ()
    total: int | None = None
    obeyed: bool = True
    inclusive: bool = False
    _window: set[str] = field(default_factory=set)

    def pages(self, place: Place, until: datetime | None = None) -> Iterator[Page]:
        """Yield pages, oldest change first, from a place on until the vendor has no more.

        Args:
            place: Where to begin.
            until: Ends the walk behind this stamp.
        """
        following: Place | None = place
        with ThreadPoolExecutor(1, thread_name_prefix=f"{self.client.vendor}-page") as ahead:
            pending = ahead.submit(self.fetch, place, self.sort)
            first = True
            while following is not None:
                here, batch = following, pending.result()
                if first:
                    self.total, first = batch.total, False
                stamps = pc.drop_null(self.shape.stamps(batch.records))
                if not self._obeys(here, stamps):
                    self.obeyed = False
                    yield Page(batch.records, None, batch.vendor_time)
                    return
                following = self._next(here, batch, stamps)
                if until and len(stamps) and stamps[-1].as_py() > until:
                    following = None
                if following is not None:
                    pending = ahead.submit(self.fetch, following, self.sort)
                next_text = str(following) if following else None
                if following is None and self._capped(here, batch):
                    yield Page(batch.records, str(here), batch.vendor_time)
                    following, batch = yield from self._around(here, batch, stamps)
                    if following is not None:
                        pending = ahead.submit(self.fetch, following, self.sort)
                    next_text = str(following) if following else None
                yield Page(batch.records, next_text, batch.vendor_time)

    def _obeys(self, here: Place, stamps: pa.Array) -> bool:
        """Tell whether what came is in order and behind the bound."""
        if len(stamps) == 0:
            return True
        rising = len(stamps) == 1 or pc.all(pc.greater_equal(stamps[1:], stamps[:-1])).as_py()
        if not rising:
            return False
        first = stamps[0].as_py()
        if here.after is not None and first == here.after and not self.inclusive:
            self.inclusive = True
            self._say("the bound of the change filter is included")
        return here.after is None or first >= here.after

    def _next(self, here: Place, batch: Batch, stamps: pa.Array) -> Place | None:
        """Return where the walk goes on, None where the vendor has no more."""
        ids = {self.shape.record_id(record) for record in batch.records}
        if here.page == 1:
            self._window = set()
        self._window |= {one for one in ids if one is not None}
        if not batch.more:
            return None
        after = stamps[-1].as_py() - SECOND if len(stamps) else None
        if after is not None and (here.after is None or after > here.after):
            return Place(after)
        return Place(here.after, here.page + 1)

    def _capped(self, here: Place, batch: Batch) -> bool:
        """Tell whether the end may be a cap: the vendor counts more, or pages end at ten, full."""
        if here.page == 1:
            return False
        if batch.total is not None:
            return len(self._window) < batch.total
        full = batch.size is not None and len(batch.records) >= batch.size
        return full and here.page >= _SUSPICIOUS

    def _around(
        self, here: Place, batch: Batch, stamps: pa.Array
    ) -> Generator[Page, None, tuple[Place | None, Batch]]:
        """Read what a cap hides of one equal stamp in other orders; return where to go on."""
        self._say("pages end before the records do; reading what is left in other orders")
        last = stamps[-1].as_py()
        jump = Place(last)
        beyond = self.fetch(jump, self.sort)
        behind = pc.drop_null(self.shape.stamps(beyond.records))
        if len(behind) and behind[0].as_py() <= last:
            jump = Place(last + SECOND)
            beyond = self.fetch(jump, self.sort)
            behind = pc.drop_null(self.shape.stamps(beyond.records))
        told = batch.total is not None and beyond.total is not None
        needed = (batch.total or 0) - (beyond.total or 0) if told else None
        for sort in self.others:
            if needed is not None and len(self._window) >= needed:
                break
            yield from self._whole_window(here, sort)
        if needed is None or len(self._window) < needed:
            raise ContractError(
                "the vendor ends its pages before its records: more of them share one second of "
                "change than it shows in any order. Nothing of this scan was published and the "
                "watermark has not moved; a person has to ask the vendor",
                vendor=self.client.vendor,
                account=self.client.account,
                resource=self.shape.resource,
            )
        return self._next(jump, beyond, behind), beyond

    def _whole_window(self, here: Place, sort: str) -> Iterator[Page]:
        """Yield every page of a window in another order, as far as the vendor shows it."""
        page, more = 1, True
        while more:
            batch = self.fetch(Place(here.after, page), sort)
            ids = (self.shape.record_id(record) for record in batch.records)
            self._window |= {one for one in ids if one is not None}
            yield Page(batch.records, str(here), batch.vendor_time)
            page, more = page + 1, batch.more

    def _say(self, what: str) -> None:
        log = logging.getLogger(f"regulars.{self.client.vendor}")
        log.info("%s/%s: %s", self.client.vendor, self.shape.resource, what)


def stamp_text(moment: datetime) -> str:
    """Return a stamp as `YYYY-MM-DD HH:MM:SS`, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
