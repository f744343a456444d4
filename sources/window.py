"""What shares one stamp of change: pages of it by number, and what a cap on pages hides of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sources.paging import Batch, Page
from sources.records import Shape

SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# So many ids of one equal stamp are remembered: a walk's memory must not grow with the account.
_REMEMBERED = 10_000

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
class Window:
    """What was read so far after one and the same stamp, page by page.

    Attributes:
        whole: Whether all of it is here: from its first page on, and not too many.
        since: The vendor's clock when its reading began.
        told: What its pages said how many there are.
    """

    whole: bool
    since: datetime | None
    ids: set[str] = field(default_factory=set)
    told: set[int | None] = field(default_factory=set)

    def add(self, ids: Iterator[str | None], total: int | None) -> None:
        """Take in one page."""
        self.told.add(total)
        if len(self.ids) > _REMEMBERED:
            self.whole = False
        else:
            self.ids.update(one for one in ids if one is not None)


class Hidden:
    """Reads in other orders what pages that end too early hide of one stamp."""

    def __init__(self, fetch: Fetch, shape: Shape, orders: Sequence[str], window: Window) -> None:
        """Begin with what was shown; `orders` are the vendor's names, the walk's own in front."""
        self._fetch, self._shape, self._window = fetch, shape, window
        self._sort = orders[0]
        # What an earlier run was shown is not remembered: it is read again in the same order.
        self._orders = orders[1:] if window.whole else orders
        self._ids = set(window.ids) if window.whole else set[str]()

    def bring(self, here: Place, jump: Place, last: datetime | None) -> Generator[Page, None, bool]:
        """Read those of a stamp until as many were met as are counted; tell whether they were.

        Args:
            here: Where pages end.
            jump: Where those begin that are later.
            last: The stamp; None: they have none.
        """
        for sort in self._orders:
            number, more = 1, True
            while more:
                batch = self._fetch(Place(here.after, number), sort)
                fresh = self._of_stamp(batch, last) - self._ids
                self._ids |= fresh
                yield Page(batch.records, str(here), batch.vendor_time)
                if fresh and self._are_all(here, jump):
                    return True
                number, more = number + 1, batch.more
        return self._are_all(here, jump)

    def look(self, here: Place, last: datetime | None) -> Generator[Page, None, bool]:
        """Look for some of a stamp that were not shown, where nobody counts; tell whether any are.

        Arguments are as those of `bring`.
        """
        fresh = set[str]()
        for sort in self._orders:
            number, more = 1, True
            while more:
                batch = self._fetch(Place(here.after, number), sort)
                found = self._of_stamp(batch, last)
                yield Page(batch.records, str(here), batch.vendor_time)
                if sort == self._sort:
                    self._ids |= found
                fresh |= found - self._ids
                # One page of each other order is enough to tell.
                number, more = number + 1, batch.more and sort == self._sort
        return bool(fresh)

    def _are_all(self, here: Place, jump: Place) -> bool:
        """Tell whether as many have the stamp as were met, and have it still."""
        left = set[str]()
        if self._window.since is not None:
            changed = self._fetch(Place(self._window.since - SECOND), self._sort)
            left = self._ids.intersection(map(str, map(self._shape.record_id, changed.records)))
            if changed.more:
                return False
        everybody = self._fetch(Place(here.after), self._sort)
        beyond = self._fetch(jump, self._sort)
        return len(self._ids - left) >= (everybody.total or 0) - (beyond.total or 0)

    def _of_stamp(self, batch: Batch, last: datetime | None) -> set[str]:
        """Return the ids of those on a page that have no later stamp."""
        stamps = self._shape.stamps(batch.records)
        return {
            one
            for one, stamp in zip(map(self._shape.record_id, batch.records), stamps, strict=True)
            if one is not None and (stamp is None or (last is not None and stamp <= last))
        }
