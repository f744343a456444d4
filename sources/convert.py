"""JSON values → typed Arrow columns: whole columns at a time where they are well formed.

A column whose every value has the declared form is converted in one step. Only when that fails is
it walked value by value, with pendulum for dates of odd form; a value that still cannot be had is
NULL, and the reason is returned so that it can be reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

import orjson
import pendulum
import pyarrow as pa
import pyarrow.compute as pc

Bad = tuple[int, str]
"""Index of a value that became NULL, and why."""

_INT64 = 2**63


class Kind(Enum):
    """The types a vendor's field may be declared as; each is an Arrow type and a dlt type."""

    TEXT = (pa.string(), "text")
    INTEGER = (pa.int64(), "bigint")
    BOOLEAN = (pa.bool_(), "bool")
    TIMESTAMP = (pa.timestamp("us", tz="UTC"), "timestamp")
    DATE = (pa.date32(), "date")

    @property
    def arrow(self) -> Any:
        """The Arrow type a column of this kind is landed as."""
        return self.value[0]

    @property
    def dlt(self) -> str:
        """The dlt type a column of this kind is declared as."""
        return self.value[1]


def column(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, list[Bad]]:
    """Return `values` as a column of `kind`, and which of them became NULL."""
    try:
        return _whole(kind, values), []
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return _one_by_one(kind, values)


def _whole(kind: Kind, values: Sequence[Any]) -> pa.Array:
    """Convert a well-formed column; raises an Arrow error for any other."""
    # The type is inferred first: asked for int64, Arrow would silently cut 1.5 to 1.
    array = pa.array(values)
    if pa.types.is_null(array.type) or array.type == kind.arrow:
        return array.cast(kind.arrow)
    if not pa.types.is_string(array.type) or kind not in (Kind.TIMESTAMP, Kind.DATE):
        raise pa.ArrowInvalid("not of the declared form")
    if kind is Kind.DATE:
        return pc.cast(array, kind.arrow)
    try:
        return pc.cast(array, kind.arrow)
    except pa.ArrowInvalid:
        # Times without a zone are UTC (the vendor's __init__ says where that is an assumption).
        return pc.assume_timezone(pc.cast(array, pa.timestamp("us")), "UTC")


def _one_by_one(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, list[Bad]]:
    """Convert value by value; a value that has no meaning in `kind` becomes NULL."""
    parse, good, bad = _PARSERS[kind], [], list[Bad]()
    for index, value in enumerate(values):
        try:
            good.append(None if value is None else parse(value))
        except (ValueError, OverflowError, TypeError):
            good.append(None)
            bad.append((index, f"not a {kind.name.lower()}"))
    return pa.array(good, kind.arrow), bad


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        raise ValueError(value)
    return orjson.dumps(value).decode()


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    number = int(value)
    if number != float(value) or not -_INT64 <= number < _INT64:
        raise ValueError(value)
    return number


def _boolean(value: object) -> bool:
    spelled = {"true": True, "false": False, "1": True, "0": False}
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in spelled:
        return spelled[value.lower()]
    raise ValueError(value)


def _timestamp(value: object) -> datetime | None:
    if not isinstance(value, str):
        raise ValueError(value)
    if not value.strip():
        return None
    moment = pendulum.parse(value.strip(), strict=True)
    if not isinstance(moment, datetime):
        raise ValueError(value)
    return moment.astimezone(UTC)


def _date(value: object) -> date | None:
    if not isinstance(value, str):
        raise ValueError(value)
    if not value.strip():
        return None
    # A date of birth stays a date: a time behind it is cut off, never shifted by its zone.
    return date.fromisoformat(value.strip()[:10])


_PARSERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
}
