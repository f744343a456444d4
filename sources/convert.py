"""JSON values → typed Arrow columns: whole columns at a time where they are well formed.

A column whose every value has the declared form is converted in one step. Only when that fails is
it walked value by value, with pendulum for dates of odd form; a value that still cannot be had is
NULL, and the reason is returned so that it can be reported.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson
import pendulum
import pyarrow as pa
import pyarrow.compute as pc

from sources.content import canonical

Bad = tuple[int, str]
"""Index of a value that became NULL, and why."""
Moments = list[datetime | None]
"""Times, UTC; None where there is none that can be believed."""

# No count and no amount is longer, and `core` holds fifteen digits before the point.
_INTEGERS_END = 10**15
# Before and after stands what means «never» or «not set»: the zero times of programming languages.
_TIMES_BEGIN, _TIMES_END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_DATES_BEGIN, _DATES_END = date(1800, 1, 1), date(9999, 1, 1)
_LOCAL = pa.timestamp("us")
_DATED = re.compile(r"\d{4}(-|\d|$)", re.ASCII)
_SIX_PLACES = Decimal("0.000001")
_DECIMALS_END = Decimal(10) ** 12


class Kind(Enum):
    """The types a vendor's field may be declared as; each is an Arrow type and a dlt type."""

    TEXT = (pa.string(), "text")
    INTEGER = (pa.int64(), "bigint")
    BOOLEAN = (pa.bool_(), "bool")
    TIMESTAMP = (pa.timestamp("us", tz="UTC"), "timestamp")
    DATE = (pa.date32(), "date")
    DECIMAL = (pa.decimal128(18, 6), "decimal")
    NUMBER = (pa.float64(), "double")
    JSON = (pa.string(), "text", "json")

    @property
    def arrow(self) -> Any:
        """The Arrow type a column of this kind is landed as."""
        return self.value[0]

    @property
    def dlt(self) -> str:
        """The dlt type a column of this kind is declared as."""
        return str(self.value[1])


def column(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, list[Bad]]:
    """Return `values` as a column of `kind`, and which of them became NULL."""
    try:
        return _whole(kind, values), []
    except (
        pa.ArrowInvalid,
        pa.ArrowTypeError,
        pa.ArrowNotImplementedError,
        ArithmeticError,
        TypeError,
        ValueError,
    ):
        return _one_by_one(kind, values)


def moments(values: Sequence[Any]) -> Moments:
    """Return the times these values are, as `column` would, but without Arrow.

    Several walks ask this of each page, and each of Arrow's functions lets other threads in
    between, which for one page costs more than the whole of it does here (DECISIONS.md).
    """
    return [None if value is None else _moment(value) for value in values]


def dated(found: Moments) -> list[datetime]:
    """Return those of these times that are any."""
    return [moment for moment in found if moment is not None]


def latest(found: Moments) -> datetime | None:
    """Return the latest of these times; None where there is none."""
    return max(dated(found), default=None)


def _moment(value: object) -> datetime | None:
    try:
        return _timestamp(value)
    except (ValueError, ArithmeticError, TypeError):
        return None


def _whole(kind: Kind, values: Sequence[Any]) -> pa.Array:
    """Convert a well-formed column; raises an Arrow error for any other."""
    if kind is Kind.JSON:
        return pa.array([None if value is None else _json(value) for value in values], kind.arrow)
    # The type is inferred first: asked for int64, Arrow would silently cut 1.5 to 1.
    array = pa.array(values)
    if pa.types.is_floating(array.type) and bool in set(map(type, values)):
        raise pa.ArrowInvalid("a truth value among numbers, which Arrow takes for one")
    if pa.types.is_null(array.type) or array.type == kind.arrow:
        return _in_range(kind, array.cast(kind.arrow))
    flags = kind is Kind.BOOLEAN and pa.types.is_integer(array.type)
    if flags and pc.all(pc.is_in(array, pa.array([0, 1, None]))).as_py():
        return array.cast(kind.arrow)
    if kind is Kind.DECIMAL and _is_number(array.type):
        # By way of its text, which is what the vendor wrote.
        array = array.cast(pa.string())
    if not pa.types.is_string(array.type) or kind not in _WRITTEN:
        raise pa.ArrowInvalid("not of the declared form")
    if kind is not Kind.TIMESTAMP:
        return _in_range(kind, array.cast(kind.arrow))
    # Arrow says of each value it refuses why, at length: what most have is tried alone.
    if _has_zone(next(value for value in values if value is not None)):
        return _in_range(kind, array.cast(kind.arrow))
    # Times without a zone are UTC (the vendor's __init__ says where that is an assumption).
    return _in_range(kind, array.cast(_LOCAL).cast(kind.arrow))


def _is_number(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _has_zone(text: str) -> bool:
    """Tell whether a time says of which zone it is: behind `YYYY-MM-DD` no sign means else."""
    return any(sign in text[10:] for sign in "Z+-")


def _in_range(kind: Kind, array: pa.Array) -> pa.Array:
    """Return a converted column all of whose values are believable; raises ArrowInvalid else."""
    if kind is Kind.NUMBER and pc.all(pc.is_finite(array)).as_py() is False:
        raise pa.ArrowInvalid("not finite")
    begin, end = _RANGES.get(kind, (None, None))
    if begin is None or array.null_count == len(array):
        return array
    # Compared as Arrow's own: a time Arrow can hold may be none that Python can.
    least, most = (pc.min_max(array)[name] for name in ("min", "max"))
    first, last = (pa.scalar(bound, kind.arrow) for bound in (begin, end))
    if pc.less(least, first).as_py() or pc.greater_equal(most, last).as_py():
        raise pa.ArrowInvalid("out of range")
    return array


def _one_by_one(kind: Kind, values: Sequence[Any]) -> tuple[pa.Array, list[Bad]]:
    """Convert value by value; a value that has no meaning in `kind` becomes NULL."""
    parse, good, bad = _PARSERS[kind], [], list[Bad]()
    for index, value in enumerate(values):
        try:
            good.append(None if value is None else parse(value))
        except (ValueError, ArithmeticError, TypeError):
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
    if number != float(value) or abs(number) >= _INTEGERS_END:
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
    written = value.strip()
    if not written:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        if not _DATED.match(written):
            # pendulum takes «now» and «12:00» for moments of today.
            raise
        parsed = pendulum.parse(written, strict=True)
        if not isinstance(parsed, datetime):
            raise ValueError(value) from None
        moment = parsed
    if moment.tzinfo:
        moment = moment.astimezone(UTC)
    else:
        # `replace` takes four times as long, and this is done to every stamp.
        moment = datetime.combine(moment, moment.time(), UTC)
    if not _TIMES_BEGIN <= moment < _TIMES_END:
        raise ValueError(value)
    return moment


def _date(value: object) -> date | None:
    if not isinstance(value, str):
        raise ValueError(value)
    if not value.strip():
        return None
    # A date of birth stays a date: a time behind it is cut off, never shifted by its zone.
    day = date.fromisoformat(value.strip()[:10])
    if not _DATES_BEGIN <= day < _DATES_END:
        raise ValueError(value)
    return day


def _decimal(value: object) -> Decimal | None:
    """Return money and the like exactly as its text says, to six places."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    if isinstance(value, str) and not value.strip():
        return None
    number = Decimal(str(value).strip())
    # Rounding may make it one digit longer than fits: it is done before that is looked at.
    if not number.is_finite() or abs(rounded := number.quantize(_SIX_PLACES)) >= _DECIMALS_END:
        raise ValueError(value)
    return rounded


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    if isinstance(value, str) and not value.strip():
        return None
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _json(value: object) -> str:
    return canonical(value).decode()


_WRITTEN = (Kind.TIMESTAMP, Kind.DATE, Kind.DECIMAL, Kind.NUMBER)

_RANGES: dict[Kind, tuple[Any, Any]] = {
    Kind.INTEGER: (1 - _INTEGERS_END, _INTEGERS_END),
    Kind.TIMESTAMP: (_TIMES_BEGIN, _TIMES_END),
    Kind.DATE: (_DATES_BEGIN, _DATES_END),
}

_PARSERS: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.DECIMAL: _decimal,
    Kind.NUMBER: _number,
    Kind.JSON: _json,
}
