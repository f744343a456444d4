"""How LOKE pages: `X-Next-Page` leads on, and whatever may be wrong with it."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.loke.wire import Loke


class CursorError(ValueError):
    """A cursor that LOKE never gave out."""


@dataclass(frozen=True)
class Page:
    """The keys of one page in the order they are sent, and the headers that go with it."""

    keys: Sequence[str] = ()
    headers: dict[str, str] = field(default_factory=dict)


def refuse(loke: Loke, status: int, code: str, message: str) -> Answer:
    """Return an error in LOKE's form, or as the bare string it sometimes is."""
    if loke.switches.error_body == "string":
        return ok(message, status)
    kind = f"https://errors.loke.global/{code}"
    body = {
        "message": message,
        "code": code,
        "type": kind,
        "instance": "01J9ZK3V5QW8T2M4N6P7R8S9TA",
    }
    return ok(body, status)


def missing(loke: Loke, what: str) -> Answer:
    """Return the answer for what there is not."""
    return refuse(loke, 404, "not_found", f"{what} not found")


def page_of(
    loke: Loke, request: Request, keys: Sequence[str], size: int, *, falling: bool = False
) -> Page:
    """Return the page that a request asks for, of keys in rising order.

    A keyset cursor holds the last key sent: what was inserted or removed before it moves nothing.
    An offset cursor holds a count: what was inserted or removed before it moves everything.

    Raises:
        CursorError: the cursor is none of ours.
    """
    cursor, count = _cursor(request), len(keys)
    if loke.switches.next_page_fault == "empty_with_next" and cursor and "e" not in cursor:
        return Page((), _headers(loke, request, {**cursor, "e": 1}))
    low, high = _slice(keys, size, cursor, falling=falling)
    page = keys[low:high]
    more = low > 0 if falling else high < count
    following: dict[str, Any] | None = None
    if more and page:
        if falling:
            page = page[::-1]
        by_key = loke.switches.cursor == "keyset"
        following = {"k": page[-1]} if by_key else {"o": (count - low) if falling else high}
        following |= {"e": 1} if cursor.get("e") else {}
    elif falling:
        page = page[::-1]
    return Page(page, _headers(loke, request, following))


def _slice(
    keys: Sequence[str], size: int, cursor: dict[str, Any], *, falling: bool
) -> tuple[int, int]:
    """Return where the page begins and ends in keys that rise."""
    count = len(keys)
    if "k" in cursor:
        start = bisect_left(keys, cursor["k"]) if falling else bisect_right(keys, cursor["k"])
    else:
        passed = cursor.get("o", 0)
        start = max(count - passed, 0) if falling else min(passed, count)
    if falling:
        return max(start - size, 0), start
    return start, min(start + size, count)


def _cursor(request: Request) -> dict[str, Any]:
    text = request.params.get("after")
    if text is None:
        return {}
    try:
        cursor = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise CursorError(text) from None
    key, offset = (cursor.get("k", ""), cursor.get("o", 0)) if isinstance(cursor, dict) else ((), 0)
    if not isinstance(key, str) or not isinstance(offset, int):
        raise CursorError(text)
    return dict(cursor)


def _headers(loke: Loke, request: Request, cursor: dict[str, Any] | None) -> dict[str, str]:
    """Return the header that leads to the next page, with whatever is wrong with it."""
    fault, params = loke.switches.next_page_fault, dict(request.params)
    astray = fault in ("loop", "cycle") and "after" in params
    if cursor is None and not astray:
        return {"x-next-page": ""} if fault == "empty_string" else {}
    if astray and fault == "cycle":
        del params["after"]
    elif not astray:
        token = base64.urlsafe_b64encode(orjson.dumps(cursor)).decode().rstrip("=")
        params = {} if fault == "lost_query" else params
        params["after"] = token
    address = f"{request.path}?{urlencode(params)}" if params else request.path
    if fault == "foreign":
        return {"x-next-page": f"http://elsewhere.test{address}"}
    if loke.switches.next_page == "relative":
        return {"x-next-page": address}
    return {"x-next-page": loke.base_url.removesuffix("/loke") + address}
