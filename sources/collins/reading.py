"""How Collins' customers are read whole: by slices of days, so that no page is deep.

Page numbers drift while data change: whoever leaves a slice moves all behind it one place. So each
slice is read until as many different customers were seen in it as the vendor counts at its end.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, datetime, timedelta

from sources.collins import api
from sources.collins.fields import CUSTOMERS
from sources.errors import ContractError, Unavailable
from sources.http import Client
from sources.order import Marks
from sources.paging import Batch, Page
from sources.scan import Scan
from sources.walks import note

MOST = 9_000
"""How many a slice may hold: beyond 10 000 a search engine's window may end."""
_EARLIEST = date(2000, 1, 1)
_ROUNDS = 3
Walk = Generator[None, None, bool]


class Reader:
    """Reads customers for one scan.

    Attributes:
        total: How many there are in all, by the vendor's last word.
    """

    def __init__(self, client: Client, scan: Scan, marks: Marks) -> None:
        self.client, self.scan, self.marks = client, scan, marks
        self.total: int | None = None

    def everything(self, today: date) -> Walk:
        """Read all customers; return whether as many were seen as the vendor counts."""
        place = self.scan.place
        if "todo" not in place:
            place["total"] = api.total(self.client, {})
            sliced = place["total"] is not None and place["total"] > MOST
            until = today + timedelta(days=2)
            place["todo"] = [["last_updated", str(_EARLIEST), str(until)]] if sliced else [[]]
        yield from self.slices()
        self.total = place["total"]
        if self._seen_all():
            return True
        # Rows without a change stamp are in no slice; and rows may have come meanwhile.
        self._say("fewer by day than there are; reading all without a filter")
        yield from self._walk({"sort": api.BY_CREATION}, "unfiltered", rounds=1)
        self.total = place["total"] = api.total(self.client, {})
        return self._seen_all()

    def slices(self) -> Generator[None, None, None]:
        """Read what is still to do: `[stamp, from, to]` each, or `[]` for all there are."""
        todo: list[list[str]] = self.scan.place["todo"]
        while todo:
            piece = todo[-1]
            if not piece:
                yield from self._walk({"sort": api.BY_CREATION}, "all")
            elif not self._split(todo, piece):
                name, since, until = piece[0], *map(date.fromisoformat, piece[1:])
                params = {"sort": f"-{name}", **api.days(name, since, until)}
                yield from self._walk(params, "|".join(piece))
            else:
                continue
            todo.remove(piece)

    def _split(self, todo: list[list[str]], piece: list[str]) -> bool:
        """Put two halves in place of a slice that is too large; tell whether it was."""
        name, since, until = piece[0], *map(date.fromisoformat, piece[1:3])
        if since >= until or self.scan.place.get("page", 1) > 1:
            return False
        if (api.total(self.client, api.days(name, since, until)) or 0) <= MOST:
            return False
        middle = since + (until - since) // 2
        todo.remove(piece)
        todo.append([name, str(middle + timedelta(days=1)), str(until)])
        todo.append([name, str(since), str(middle)])
        return True

    def _walk(self, params: Mapping[str, str], name: str, rounds: int = _ROUNDS) -> Walk:
        """Read the pages under these filters until nobody can have slipped between two of them."""
        place = self.scan.place
        for _ in range(rounds):
            ids, last = set[str](), list[Batch]()
            begin = place.get("page", 1) if place.get("walk") == name else 1
            place["walk"] = name
            pages = api.customers(
                self.client, params, begin, enough=_Deep(begin).enough, tell=last.append
            )
            for page in pages:
                note(self.scan, page, self.marks)
                ids |= {str(CUSTOMERS.record_id(record)) for record in page.records}
                place["page"] = int(page.next or 1)
                yield
                last = last[-1:]
            place["page"] = 1
            total = last[-1].total if last else None
            if total is None or len(ids) + (begin - 1) * api.LIMIT >= total:
                return True
            self._say("somebody moved between two pages; reading the slice again")
        return False

    def newest(self, since: date, rounds: int = _ROUNDS) -> Walk:
        """Read who changed on these days and later, newest first."""
        params = {"sort": api.NEWEST_FIRST, "last_updated_from": since.isoformat()}
        return (yield from self._walk(params, f"since {since}", rounds))

    def window(self, since: datetime, until: datetime | None, today: date) -> Walk:
        """Read who changed, or was created, on a window's days."""
        ends = (until.date() if until else today) + timedelta(days=1)
        if "todo" not in self.scan.place:
            begins = since.date() - timedelta(days=1)
            self.scan.place["todo"] = [
                [name, str(begins), str(ends)] for name in ("last_updated", "created_date")
            ]
        yield from self.slices()
        return True

    def _seen_all(self) -> bool:
        self.scan.flush()
        total = self.scan.place["total"]
        return total is None or self.scan.scratch.seen("") >= total

    def _say(self, what: str) -> None:
        self.client.log.info("collins/customers: %s", what)

    def restless(self) -> Unavailable:
        """Return the error of an increment that changed faster than it could be read."""
        return Unavailable(
            "customers moved between pages each time they were read. What was seen is published, "
            "the watermark has not moved, and the next run reads the same days again",
            vendor="collins",
            account=self.client.account,
            resource="customers",
        )

    def cut_short(self) -> ContractError:
        """Return the error of a vendor that counts more customers than it shows."""
        return ContractError(
            f"the vendor counts {self.total} customers and shows fewer, by day and without a "
            "filter. What it shows is published, nobody was removed, and the next complete scan "
            "reads all again. If it repeats, ask the vendor",
            vendor="collins",
            account=self.client.account,
            resource="customers",
        )


class _Deep:
    """Stops a walk behind the window of a search engine, where pages may be empty for ever."""

    def __init__(self, page: int) -> None:
        self._page = page

    def enough(self, page: Page) -> bool:
        """Tell whether this page was empty and deep."""
        self._page += 1
        return not page.records and self._page * api.LIMIT > MOST
