"""Several walks over one resource at once: threads ask, one reader takes the pages.

What one walk brings, it brings in its own order, and pages are taken in the order in which they
came. Few are held at a time, however many there are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from queue import SimpleQueue
from typing import TypeVar

from sources.paging import Page

K = TypeVar("K")
# So many pages of each walk may wait while the reader turns others into rows.
_AHEAD = 3


def abreast(walks: Mapping[K, Callable[[], Iterator[Page]]]) -> Iterator[tuple[K, Page]]:
    """Yield (walk, page) until every walk is at its end; one walk asks one page ahead.

    Guarantees: what a walk raises is raised here, after the pages that came before it, and the
    others ask nothing more. When this ends, however it ends, all walks have ended.
    """
    came: SimpleQueue[tuple[K, Page | BaseException | None]] = SimpleQueue()
    # One for each page that may wait: a queue takes a fifth of the time of Python's semaphores.
    room: SimpleQueue[None] = SimpleQueue()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        _make(room, len(walks) + 1)

    def walk(key: K, pages: Callable[[], Iterator[Page]]) -> None:
        try:
            for page in pages():
                came.put((key, page))
                room.get()
                if ended.is_set():
                    return
            came.put((key, None))
        except BaseException as error:  # noqa: BLE001  it is raised where the pages are taken
            came.put((key, error))
            end()

    _make(room, _AHEAD * len(walks) if len(walks) > 1 else 0)
    threads = [_begun(walk, each) for each in walks.items()]
    try:
        under_way = len(walks)
        while under_way:
            key, page = came.get()
            if isinstance(page, BaseException):
                raise page
            if page is None:
                under_way -= 1
                continue
            _make(room, 1)
            yield key, page
    finally:
        end()
        for thread in threads:
            thread.join()


def _make(room: SimpleQueue[None], count: int) -> None:
    """Let so many more pages wait."""
    for _ in range(count):
        room.put(None)


def _begun(target: Callable[..., None], arguments: tuple[object, ...]) -> threading.Thread:
    """Return a thread at work; one whose reader is left standing keeps no process alive."""
    thread = threading.Thread(target=target, args=arguments, name="walk", daemon=True)
    thread.start()
    return thread
