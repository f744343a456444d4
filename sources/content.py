"""What a record says, whatever its key order: its canonical text and the hash of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from sources.payload import Record

HASH_VERSION = 1
"""The recipe of `_row_hash`. Raise it with any change to `digest`: rows hashed by an older
recipe are landed once more, and the fold, which compares content, makes no history of them."""

_HASH_PREFIX = f"{HASH_VERSION}:"
_NESTED = frozenset((dict, list))


def canonical(value: Any) -> bytes:
    """Return the one JSON text of a value, whatever its key order."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits; depth is `sources.payload`'s matter
        import json

        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def digest(record: Record, context: bytes = b"") -> str:
    """Return the versioned hash of a record's content; absent and null count as the same.

    `context` is what the record's meaning depends on besides itself (a currency).
    """
    # Most records with a null have one at their top: seen there, they are written once, not twice.
    content = b"" if None in record.values() else canonical(record)
    if not content or b":null" in content:
        content = canonical(_without_nulls(record))
    return _HASH_PREFIX + hashlib.blake2b(content, digest_size=16, key=context).hexdigest()


def without(record: Record, paths: Sequence[tuple[str, ...]]) -> Record:
    """Return a record without what stands at these paths (one or two keys each)."""
    kept = dict(record)
    for outer, *inner in paths:
        if not inner:
            kept.pop(outer, None)
        elif isinstance(value := kept.get(outer), dict):
            kept[outer] = {key: held for key, held in value.items() if key != inner[0]}
    return kept


def _without_nulls(value: Any) -> Any:
    """Return an object or array without the keys of objects that hold null.

    Types are compared as such: it is done to every record, and parsed JSON has no others.
    """
    if type(value) is dict:
        return {
            key: _without_nulls(inner) if type(inner) in _NESTED else inner
            for key, inner in value.items()
            if inner is not None
        }
    return [_without_nulls(inner) if type(inner) in _NESTED else inner for inner in value]
