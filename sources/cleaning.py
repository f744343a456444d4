"""Cleaned columns that more than one vendor's records have."""

from __future__ import annotations

import pyarrow as pa

from sources.convert import Bad
from sources.normalise import emails, phones
from sources.records import Context


def email(values: pa.Array | None, _: int, __: Context) -> tuple[pa.Array, list[Bad]]:
    """Return addresses trimmed and in lower case; NULL where a value is not an address."""
    return emails(values)


def phone(values: pa.Array | None, _: int, context: Context) -> tuple[pa.Array, list[Bad]]:
    """Return numbers as E.164; local ones are of the country the context names."""
    return phones(values, context.get("country"))
