"""How Kounta refuses, and how it pages: `X-Next-Page` or `X-Page`, and what may be wrong."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta


class PageError(ValueError):
    """A page was asked for by what is no number."""


@dataclass(frozen=True)
class Page:
    """The ids of one page in the order they are sent, and the headers that go with it."""

    ids: Sequence[int] = ()
    headers: dict[str, str] = field(default_factory=dict)


def refuse(status: int, error: str, description: str) -> Answer:
    """Return an error in Kounta's form, which is OAuth's."""
    return ok({"error": error, "error_description": description}, status)


def missing() -> Answer:
    """Return the answer for what there is not."""
    return refuse(404, "not_found", "The requested resource could not be found.")


def page_of(kounta: Kounta, request: Request, ids: Sequence[int]) -> Page:
    """Return the page that a request asks for, of ids in rising order.

    By `start` a page begins at an id: what was inserted or removed before it moves nothing. By
    `X-Page` it begins at a count: what was inserted or removed before it moves everything.

    Raises:
        PageError: `start` or `X-Page` is no number.
    """
    switches, params = kounta.switches, request.params
    size, headers = switches.page_size, {}
    counted = switches.paging != "header" and "x-page" in request.headers
    if switches.paging == "legacy" or (counted and "start" not in params):
        low = _number(request.headers.get("x-page", "0")) * size
    elif switches.next_page_fault == "empty_with_next" and "start" in params and "e" not in params:
        return Page((), _next(kounta, request, _number(params["start"])))
    else:
        low = _place(ids, params.get("start"), inclusive=switches.start == "inclusive")
    page, more = ids[low : low + size], low + size < len(ids)
    if switches.paging != "header":
        headers["x-pages"] = str(max(1, -(-len(ids) // size)))
    if switches.paging != "legacy":
        edge = low + size - (switches.start == "exclusive")
        headers |= _next(kounta, request, ids[edge] if more else None)
    return Page(page, headers)


def _place(ids: Sequence[int], start: str | None, *, inclusive: bool) -> int:
    if start is None:
        return 0
    return (bisect_left if inclusive else bisect_right)(ids, _number(start))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise PageError(text)
    return int(text)


def _next(kounta: Kounta, request: Request, start: int | None) -> dict[str, str]:
    """Return the header that leads to the next page, with whatever is wrong with it."""
    fault, params = kounta.switches.next_page_fault, dict(request.params)
    astray = fault in ("loop", "cycle") and "start" in params
    if start is None and not astray:
        return {"x-next-page": ""} if fault == "empty_string" else {}
    if astray and fault == "cycle":
        del params["start"]
    elif not astray:
        params |= {"start": str(start)}
        params |= {"e": "1"} if fault == "empty_with_next" and "start" in request.params else {}
    address = f"{request.path}?{urlencode(params)}" if params else request.path
    if fault == "foreign":
        return {"x-next-page": f"http://elsewhere.test{address}"}
    if kounta.switches.next_page == "relative":
        return {"x-next-page": address}
    return {"x-next-page": kounta.base_url.removesuffix("/kounta/v1") + address}
