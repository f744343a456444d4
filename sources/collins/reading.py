"""How Collins' customers are read: by slices of days where there are too many for one list.

A search engine's window may end at 10 000, so no list is read much deeper. Slices lose who has no
stamp; what was seen is compared with the total, and who is missing is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import date, datetime, timedelta
from typing import Any

from sources.collins import api
from sources.collins.fields import CUSTOMERS
from sources.collins.walk import STAMPED, End, Filters, Place, Walk, has
from sources.errors import ContractError, Unavailable, VendorError
from sources.http import Client
from sources.order import Marks
from sources.paging import Page
from sources.patience import Patience
from sources.scan import Scan
from sources.walks import note, tell_unstamped

MOST = 9_000
"""How many a slice may hold: beyond 10 000 a search engine's window may end."""
_EARLIEST = date(2000, 1, 1)
_DAY = timedelta(days=1)
_REMEMBERED = 10_000
Reads = Generator[None, None, End]
_EDGES = [(name, step) for name in STAMPED for step in (1, -1)]


class Slices:
    """Reads lists of customers, in halves and halves of halves where one cannot be read whole."""

    def __init__(
        self, client: Client, place: Place, keep: Callable[[Page], object], today: date
    ) -> None:
        """Args: `place` is where how far it came is noted, JSON; `keep` is given every page."""
        self.client, self.place, self.keep, self._today = client, place, keep, today
        self._said: set[str] = set()

    def read(self, lists: list[Filters], watermark: datetime | None = None) -> Reads:
        """Read these lists, or what `place` says is still to do; return how it ended.

        With `watermark`, a list that asks for what changed since is read newest first, and no
        further than that should the filter do nothing.
        """
        todo: list[Filters] = self.place.setdefault("todo", lists)
        while todo:
            piece = todo[-1]
            most = MOST if self._halves(piece) else None
            walk = Walk(self.client, piece, self.place, self.keep, most=most, watermark=watermark)
            end = yield from walk.read()
            self._note(walk)
            halves = self._halves(piece, any_stamp=True) if end is End.CUT else []
            if end is End.IGNORED:
                todo[:] = _without(todo, str(walk.ignored))
            elif halves and (walk.total is None or walk.capped or walk.total > api.LIMIT):
                self.say("pages end before the customers do; reading by slices of days")
                self.place["split"], todo[-1:] = True, halves
            else:
                todo.pop()
                self.place["end"] = end.name if end is not End.WHOLE else self.place.get("end")
        return End[self.place.get("end") or "WHOLE"]

    def by_creation(self, piece: Filters) -> list[Filters]:
        """Return lists of those of a list whose creation is known, by its days."""
        return self._split(piece, api.CREATED)

    def say(self, what: str) -> None:
        """Log something once."""
        if what not in self._said:
            self._said.add(what)
            self.client.log.info("collins/customers: %s", what)

    def _note(self, walk: Walk) -> None:
        """Remember, and say, what the vendor does otherwise than hoped."""
        if "split" not in self.place:
            self.place["total"] = walk.total
        if walk.ignored and walk.ignored not in self.place.setdefault("ignored", []):
            self.place["ignored"].append(walk.ignored)
            self.say(f"the filter by {walk.ignored} does nothing")
        if walk.mixed:
            self.say("not in the order asked for")
        if walk.total is None:
            self.say("no totals are told; the first page that is not full is taken for the last")
        if walk.capped:
            self.say("there are more than the vendor counts; reading on while pages are full")

    def _halves(self, piece: Filters, *, any_stamp: bool = False) -> list[Filters]:
        """Return two lists for one, the older last; none where it cannot be split."""
        good = [name for name in STAMPED if name not in self.place.get("ignored", ())]
        used = [name for name in good if has(piece, name)] or good[:1]
        splits = (self._split(piece, name) for name in [*used, *(good if any_stamp else ())])
        return next((halves for halves in splits if halves), [])

    def _split(self, piece: Filters, name: str) -> list[Filters]:
        since, until = piece.get(f"{name}_from"), piece.get(f"{name}_to")
        first = date.fromisoformat(since) if since else _EARLIEST
        last = date.fromisoformat(until) if until else self._today + _DAY
        if first >= last:
            return []
        middle = first + (last - first) // 2
        newer, older = {f"{name}_from": str(middle + _DAY)}, {f"{name}_to": str(middle)}
        return [piece | newer, piece | older]


def _without(lists: list[Filters], name: str) -> list[Filters]:
    """Return these lists without the filters by one stamp, each once."""
    bare = [
        {key: value for key, value in piece.items() if not key.startswith(name)} for piece in lists
    ]
    return [piece for at, piece in enumerate(bare) if piece not in bare[:at]]


class Reader:
    """Reads customers for one scan.

    Attributes:
        total: How many there are in all, by the vendor's last word; None where it does not say.
    """

    def __init__(self, client: Client, scan: Scan, marks: Marks, today: date) -> None:
        self.client, self.scan, self.marks, self.place = client, scan, marks, scan.place
        self.slices = Slices(client, scan.place, self._keep, today)
        self.total: int | None = None
        self._unstamped: set[str] = set()

    def everything(self) -> Reads:
        """Read all customers; WHOLE means that as many were seen as the vendor counts."""
        end = yield from self._read({})
        tell_unstamped(self.scan, self.place.get("null_cursor", 0))
        return end

    def newest(self, since: date, watermark: datetime) -> Reads:
        """Read who changed on these days and later, newest first."""
        return (yield from self._read({f"{api.UPDATED}_from": str(since)}, watermark))

    def window(self, since: datetime, until: datetime) -> Reads:
        """Read who changed, or was created, on a window's days."""
        begins, ends = str(since.date() - _DAY), str(until.date() + _DAY)
        both: list[Filters] = [{f"{name}_from": begins, f"{name}_to": ends} for name in STAMPED]
        end = yield from self.slices.read(both)
        # Where a filter does nothing, all customers had to be read, and are to be found.
        return (yield from self._read({})) if self.place.get("ignored") else end

    def _read(self, asked: Filters, watermark: datetime | None = None) -> Reads:
        """Read one list, by slices if need be; WHOLE means that as many were seen as counted."""
        end = yield from self.slices.read([asked], watermark)
        self.total = self.place.get("total")
        if "split" not in self.place:
            return end
        if self._is_all(asked):
            return End.WHOLE
        if "again" not in self.place:
            for edge in range(self.place.get("edge", 0), len(_EDGES)):
                yield from self._edge(asked, *_EDGES[edge])
                self.place |= {"edge": edge + 1, "edge_page": None}
                if self._is_all(asked):
                    return End.WHOLE
            self.slices.say("fewer by slices than there are; reading by days of creation")
            self.place |= {"again": True, "todo": self.slices.by_creation(asked)}
            end = yield from self.slices.read([])
        # Without a total, or with one that is capped, what could be read is all there is to know.
        if self._is_all(asked) or (self.total is None and end is End.WHOLE):
            return End.WHOLE
        return End.MOVED if self.place.get("end") == End.MOVED.name else End.CUT

    def _is_all(self, asked: Filters) -> bool:
        """Tell whether as many were seen as there are; False where the vendor does not know."""
        before, total = self.place.get("total"), api.total(self.client, asked)
        seen = self._seen()
        self.total = None if total == before and seen > (total or 0) else total
        return self.total is not None and seen >= self.total

    def _edge(self, asked: Filters, name: str, step: int) -> Generator[None, None, None]:
        """Read a list from one end of its order by a stamp, as far as it is worth it.

        That is while there is anybody new, or without the stamp: they stand at either end, and
        the newest in front.
        """
        params = {**asked, "sort": f"-{name}"}
        page = self.place.get("edge_page") or (1 if step > 0 else self.place.get("last", 0))
        while page > 0:
            self.place["edge_page"], before = page, self._seen()
            try:
                batch = api.customers_page(self.client, params, page)
            except (ContractError, Unavailable) as error:
                if page * api.LIMIT <= MOST:
                    raise
                Patience().bear(error)
                break  # so deep that it cannot be paged to, however the vendor says so
            self.place["last"] = batch.pages or 0
            self._keep(Page(batch.records, None, batch.vendor_time))
            yield
            without = STAMPED[name].stamps(batch.records).count(None)
            if self._seen() == before and not (without and (batch.more or step < 0)):
                break
            page += step

    def _seen(self) -> int:
        self.scan.flush()
        return self.scan.scratch.seen("")

    def _keep(self, page: Page) -> None:
        note(self.scan, page, self.marks)
        if not self.scan.complete_kind:
            return
        stamps = zip(page.records, CUSTOMERS.stamps(page.records), strict=True)
        ids = {str(CUSTOMERS.record_id(one)) for one, stamp in stamps if stamp is None}
        fresh = ids - self._unstamped
        # Only who comes twice is to be known; they come soon, or are few.
        self._unstamped = fresh if len(self._unstamped) > _REMEMBERED else self._unstamped | fresh
        self.place["null_cursor"] = self.place.get("null_cursor", 0) + len(fresh)

    def failure(self, end: End) -> VendorError:
        """Return the error of customers that could not all be read."""
        where: dict[str, Any] = {
            "vendor": "collins",
            "account": self.client.account,
            "resource": "customers",
        }
        if end is End.MOVED:
            return Unavailable(
                "customers moved between pages each time they were read. What was seen is "
                "published, the watermark has not moved, and the next run reads the same again",
                **where,
            )
        return ContractError(
            "the vendor counts more customers than it shows, by day and without a filter. What "
            "it shows is published, nobody was removed, and the next complete scan reads all "
            "again. If it repeats, ask the vendor",
            **where,
        )
