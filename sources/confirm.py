"""Making sure of an absence: a record is gone when its own address says so, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from sources.errors import Forbidden
from sources.payload import Record
from sources.records import Shape
from sources.removal import Confirm

_AT_ONCE = 4


def by_address(get: Callable[[str], Record | None], shape: Shape) -> Confirm:
    """Return a confirmation that asks for each record by id: `get` returns None for a 404.

    A record we may not see is not gone, and neither is one that answers under another id.
    """

    def ask(record_id: str) -> Record | bool:
        try:
            found = get(record_id)
        except Forbidden:
            return False
        if found is None:
            return True
        return found if shape.record_id(found) == record_id else False

    def confirm(ids: Sequence[str]) -> Iterator[tuple[str, Record | bool]]:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="confirm") as pool:
            yield from zip(ids, pool.map(ask, ids), strict=True)

    return confirm
