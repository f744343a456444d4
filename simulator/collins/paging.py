"""How Collins pages: a number, a size, four headers, and whatever may be wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from simulator.collins.errors import Invalid
from simulator.collins.switches import CollinsSwitches
from simulator.messages import Request

_LIMIT = 30


@dataclass(frozen=True)
class Page:
    """From where until before where the results of one page stand, and its headers."""

    start: int = 0
    stop: int = 0
    headers: dict[str, str] = field(default_factory=dict)


def page_of(switches: CollinsSwitches, request: Request, total: int) -> Page:
    """Return the page that a request asks for.

    Raises:
        Invalid: the page or the limit is none, or beyond what may be asked.
    """
    most = max(_LIMIT, switches.page_size)
    limit = _whole(request, "limit", switches.page_size)
    if limit > most:
        raise Invalid("limit", f"The limit may not be greater than {most}.")
    size, page = min(limit, switches.page_size), _whole(request, "page", 1)
    pages = max(1, ceil(total / size))
    if switches.hit_window is not None and page * size > switches.hit_window:
        if switches.hit_window_form == "error":
            raise Invalid("page", f"The result window may not exceed {switches.hit_window}.")
        return Page(headers=_headers(switches, page, size, total))
    if page > pages and switches.beyond_last == "error":
        raise Invalid("page", f"The page may not be greater than {pages}.")
    if page > pages and switches.beyond_last == "last":
        page = pages
    return Page((page - 1) * size, page * size, _headers(switches, page, size, total))


def _whole(request: Request, name: str, default: int) -> int:
    text = request.params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(name, f"The {name} must be an integer.")
    if int(text) < 1:
        raise Invalid(name, f"The {name} must be at least 1.")
    return int(text)


def _headers(switches: CollinsSwitches, page: int, size: int, total: int) -> dict[str, str]:
    if switches.totals == "missing":
        return {}
    if switches.total_cap is not None:
        total = min(total, switches.total_cap)
    return {
        "x-pagination-page": str(page),
        "x-pagination-per-page": str(size),
        "x-pagination-total-pages": str(max(1, ceil(total / size))),
        "x-pagination-total-results": str(total),
    }
