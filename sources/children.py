"""What stands inside a record as a list of objects or of names: how its entries are read.

Each returns a function from a record to its entries, or to None where the record does not say:
an absent key, null, and whatever is not a list say nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from sources.payload import Record

Entries = Callable[[Record], list[Record] | None]


def objects(key: str) -> Entries:
    """Read a list of objects, each with an `id`; a bare id stands for an object of it alone."""

    def entries(record: Record) -> list[Record] | None:
        held = record.get(key)
        if not isinstance(held, list):
            return None
        return [entry if isinstance(entry, dict) else {"id": entry} for entry in held]

    return entries


def names(key: str) -> Entries:
    """Read a list of names; the exact string is the id."""

    def entries(record: Record) -> list[Record] | None:
        held = record.get(key)
        if not isinstance(held, list):
            return None
        return [{"id": entry} for entry in held if isinstance(entry, str) and entry]

    return entries
