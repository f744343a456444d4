"""Bytes of an answer → JSON values that every later step can trust.

orjson reads what is strictly JSON. Vendors also send what is not quite: NaN, lone surrogates,
a NUL inside a name, a value nested without end. One bad record must not cost its page, so such
bodies are read by the standard library where they must be, and cleaned: NUL is removed, half a
surrogate pair becomes U+FFFD, what is nested too deeply becomes a text that says so, everything
else stays byte-exact.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

Record = dict[str, Any]

_NUL = rb"\u0000"
_LONE = re.compile("[\ud800-\udfff]")
# Deeper than any documented answer; a deeper value would exhaust the stack of a later step.
_DEEPEST = 64
_TOO_DEEP = "(nested too deeply)"
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


@dataclass(frozen=True)
class Body:
    """Records as they came: an answer, the key its list is under, and which of that are meant."""

    sent: bytes
    envelope: str | None
    places: Sequence[int]

    def only(self, places: Sequence[int]) -> Body:
        """Return those at these places among the ones that are meant."""
        return Body(self.sent, self.envelope, [self.places[at] for at in places])

    def records(self) -> list[Record]:
        """Read them again."""
        found = records_in(parse(self.sent), self.envelope)
        return [found[at] for at in self.places]


class MalformedBodyError(ValueError):
    """The body is not JSON of the expected shape; the message never quotes it."""


def parse(body: bytes) -> Any:
    """Return the JSON value in `body`; raises MalformedBodyError, whatever the bytes."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return clean(_lenient(body))
    return clean(value) if _NUL in body or _may_be_deep(body) else value


def _may_be_deep(body: bytes) -> bool:
    """Tell whether values are nested too deeply; brackets inside texts may make it a wrong yes."""
    brackets = body.translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(_DEEPEST):
        if not brackets:
            return False
        # the innermost level goes
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _lenient(body: bytes) -> Any:
    """Read what orjson refuses but a person would still call JSON."""
    try:
        text = body.decode("utf-8", "replace")
        return json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError):
        raise MalformedBodyError("the body is not JSON") from None


def _finite(text: str) -> float | str:
    """Return a number; one that is too large stays its text, which no column of numbers takes."""
    number = float(text)
    return number if math.isfinite(number) else text


def clean(value: Any, depth: int = 0) -> Any:
    """Return `value` with every text storable, no NUL, no lone surrogate, and nested in reason."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value.replace("\x00", ""))
    if isinstance(value, list | dict) and depth >= _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, list):
        return [clean(inner, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {clean(key): clean(inner, depth + 1) for key, inner in value.items()}
    return value


def records_in(value: object, envelope: str | None = None) -> list[Record]:
    """Return the list of records an answer holds, bare or under the key `envelope`.

    Raises:
        MalformedBodyError: The answer is not that shape, or one entry is not an object.
    """
    if envelope is not None:
        if not isinstance(value, dict) or envelope not in value:
            raise MalformedBodyError(f"the answer has no `{envelope}`")
        value = value[envelope]
    if not isinstance(value, list):
        raise MalformedBodyError(f"a list was expected, not {type(value).__name__}")
    if not all(isinstance(entry, dict) for entry in value):
        raise MalformedBodyError("an entry of the list is not an object")
    return value


def record_in(value: object, envelope: str | None = None) -> Record:
    """Return the one record an answer holds; as `records_in`."""
    if envelope is not None and isinstance(value, dict):
        value = value.get(envelope)
    if not isinstance(value, dict):
        raise MalformedBodyError(f"an object was expected, not {type(value).__name__}")
    return value
