"""Page walkers: every page once, until the vendor says that there is no more.

A short or empty page is not the end; only the vendor's signal is. A page address that comes twice
is a broken promise, not the end either, and so are ever new addresses of pages that bring nothing
new. While one page is being worked on, the next is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sources.convert import Moments
from sources.errors import ContractError
from sources.http import Answer, Client
from sources.payload import Body, Record, records_in

K = TypeVar("K")
# Empty pages, or one that comes again when records move, are met on the way to the last page; so
# many of them one after the other are not.
_MOST_IDLE = 100


@dataclass(frozen=True)
class Page:
    """One page: its records as sent, the address of the next (None: the last), vendor's clock.

    Attributes:
        stamps: When each of its records changed, where the walk has looked at that.
        body: The records as they came, where they are just these.
    """

    records: list[Record]
    next: str | None
    vendor_time: datetime | None
    stamps: Moments | None = None
    body: Body | None = None


def follow_header(
    client: Client,
    url: str,
    *,
    resource: str,
    header: str = "X-Next-Page",
    enough: Callable[[Page], bool] | None = None,
    tell: Callable[[Answer], object] | None = None,
) -> Iterator[Page]:
    """Yield the pages from `url` on, following the address in the response header `header`.

    The next page is asked for as soon as this one is read, unless `enough(page)` is true: then
    the walk ends, and nothing more is asked. `tell` is given each answer as it came.

    Raises:
        ContractError: An address came twice, or leads to another host, or pages bring nothing new.
    """
    visited, idle = {url}, Idle(client, resource)

    def fetch(address: str) -> Page:
        records, answer = client.get(address, resource=resource, read=records_in)
        if tell:
            tell(answer)
        following = (answer.headers.get(header) or "").strip()
        onward = client.next_url(address, following, resource) if following else None
        body = Body(answer.body, None, range(len(records)))
        return Page(records, onward, answer.vendor_time, body=body)

    with ThreadPoolExecutor(1, thread_name_prefix=f"{client.vendor}-page") as ahead:
        pending: Future[Page] | None = ahead.submit(fetch, url)
        while pending is not None:
            page = pending.result()
            pending = None
            if page.next is not None and not (enough and enough(page)):
                if page.next in visited:
                    raise ContractError(
                        f"the address of page {len(visited) + 1} is that of an earlier page. "
                        "Nothing of this scan was published and the watermark has not moved, so "
                        "a rerun is safe. If it repeats, ask the vendor",
                        vendor=client.vendor,
                        account=client.account,
                        resource=resource,
                    )
                idle.look_at(page)
                visited.add(page.next)
                pending = ahead.submit(fetch, page.next)
            yield page


@dataclass(frozen=True)
class Batch:
    """One page asked for by number, and what the vendor says about the rest.

    Attributes:
        more: Whether there is another page.
        total: How many records there are in all; None where the vendor does not say.
        size: How many a full page holds, by the vendor's word; None where it does not say.
        body: The records as they came.
    """

    records: list[Record]
    more: bool
    total: int | None = None
    size: int | None = None
    vendor_time: datetime | None = None
    body: Body | None = None


def numbered(
    client: Client,
    fetch: Callable[[int], Batch],
    *,
    resource: str,
    start: int = 1,
    enough: Callable[[Page], bool] | None = None,
    tell: Callable[[Batch], object] | None = None,
) -> Iterator[Page]:
    """Yield pages by number from `start` on; `Page.next` is the number of the one that follows.

    The next page is under way while this one is worked on. `tell` is given each batch as it came.

    Raises:
        ContractError: A page answered with just the records of the page before it, or pages bring
            nothing new.
    """
    idle = Idle(client, resource)
    with ThreadPoolExecutor(1, thread_name_prefix=f"{client.vendor}-page") as ahead:
        before: list[Record] = []
        pending: Future[Batch] | None = ahead.submit(fetch, start)
        while pending is not None:
            batch = pending.result()
            if batch.records and batch.records == before:
                raise ContractError(
                    f"page {start} answered with the same {len(before)} records as page "
                    f"{start - 1}. Nothing of this scan was published and the watermark has not "
                    "moved, so a rerun is safe. If it repeats, ask the vendor",
                    vendor=client.vendor,
                    account=client.account,
                    resource=resource,
                )
            start, before, pending = start + 1, batch.records, None
            page = Page(batch.records, str(start) if batch.more else None, batch.vendor_time)
            if tell:
                tell(batch)
            if batch.more and not (enough and enough(page)):
                idle.look_at(page)
                pending = ahead.submit(fetch, start)
            yield page


class Idle:
    """Ends a walk that goes on for ever: page after page holds nothing, or what others held."""

    def __init__(self, client: Client, resource: str) -> None:
        self._where: dict[str, Any] = {
            "vendor": client.vendor,
            "account": client.account,
            "resource": resource,
        }
        # Of each page a number, not its ids: a walk's memory must not grow with the account.
        self._seen = {hash((0,))}
        self._row = 0

    def look_at(self, page: Page) -> None:
        """Count a page that begins and ends as an earlier one; raises ContractError for many."""
        ends = page.records[:1] + page.records[-1:]
        told = hash((len(page.records), *(str(record.get("id", record)) for record in ends)))
        self._row = self._row + 1 if told in self._seen else 0
        self._seen.add(told)
        if self._row >= _MOST_IDLE:
            raise ContractError(
                f"{self._row} pages in a row brought nothing new, and there are to be more. "
                "Nothing of this scan was published and the watermark has not moved, so a rerun "
                "is safe. If it repeats, ask the vendor",
                **self._where,
            )


def together(
    walks: Iterable[tuple[K, Callable[[], Iterator[Page]]]], *, workers: int = 4
) -> Iterator[tuple[K, Page | Exception | None]]:
    """Walk several scopes at once; yield (scope, page), then (scope, None) when it is complete.

    A scope that fails yields its exception instead of None, and the others go on. Few pages are
    held at a time, however many there are.
    """
    todo = iter(walks)
    running: dict[Future[Page | None], tuple[K, Iterator[Page]]] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="walk") as pool:
        while True:
            for scope, walk in islice(todo, workers - len(running)):
                pages = walk()
                running[pool.submit(next, pages, None)] = (scope, pages)
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                scope, pages = running.pop(future)
                error = future.exception()
                if isinstance(error, Exception):
                    yield scope, error
                    continue
                page = future.result()
                if page is not None:
                    running[pool.submit(next, pages, None)] = (scope, pages)
                yield scope, page
