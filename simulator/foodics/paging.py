"""How Foodics pages and refuses: page numbers, two envelopes, and what may be wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

_MESSAGES = {
    401: "Unauthenticated.",
    403: "This action is unauthorized.",
    404: "Not found.",
    405: "The method is not supported for this route.",
    422: "The given data was invalid.",
    429: "Too Many Attempts.",
}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refuse(status: int, message: str = "", errors: Mapping[str, str] | None = None) -> Answer:
    """Return an error in Foodics' form; `errors` says what is wrong with which field."""
    body: dict[str, Any] = {"message": message or _MESSAGES.get(status, "Server Error")}
    if errors:
        body["errors"] = {name: [text] for name, text in errors.items()}
    return ok(body, status)


@dataclass(frozen=True)
class Page:
    """Which page of how many records; `cap` is where the list silently ends."""

    number: int
    size: int
    total: int
    cap: int | None = None

    @property
    def last(self) -> int:
        """The number of the last page."""
        last = max(1, ceil(self.total / self.size))
        return last if self.cap is None else min(last, self.cap)

    @property
    def bounds(self) -> tuple[int, int]:
        """Where the page begins and ends among all records; equal where it is empty."""
        if self.number > self.last:
            return 0, 0
        start = min((self.number - 1) * self.size, self.total)
        return start, min(start + self.size, self.total)

    @property
    def following(self) -> int | None:
        """The number of the next page."""
        return self.number + 1 if self.number < self.last else None


def page_of(foodics: Foodics, request: Request, total: int) -> Page:
    """Return the page a request asks for; what is no page number is the first."""
    at_most = foodics.switches.page_size
    size = min(_positive(request.params.get("per_page"), at_most), at_most)
    number = _positive(request.params.get("page"), 1)
    return Page(number, size, total, foodics.switches.page_cap)


def _positive(text: str | None, otherwise: int) -> int:
    number = int(text) if text and text.isdecimal() and len(text) < 10 else 0
    return number or otherwise


def listed(foodics: Foodics, request: Request, page: Page, rows: Iterable[bytes]) -> Answer:
    """Return a page in the envelope that the switch asks for."""
    links, meta = _around(foodics, request, page)
    tail = orjson.dumps({"links": links, "meta": meta})
    return ok(b"".join((b'{"data":[', b",".join(rows), b"],", tail[1:])))


def one(record: bytes | Mapping[str, Any], status: int = 200) -> Answer:
    """Return one record in its envelope."""
    body = record if isinstance(record, bytes) else orjson.dumps(record)
    return ok(b'{"data":' + body + b"}", status)


def _around(
    foodics: Foodics, request: Request, page: Page
) -> tuple[dict[str, Any], dict[str, Any]]:
    path = foodics.base_url + request.path.removeprefix(foodics.prefix)
    params = dict(request.params) if foodics.switches.next_link == "full" else {}

    def address(number: int | None) -> str | None:
        return f"{path}?{urlencode({**params, 'page': number})}" if number else None

    simple, (start, stop) = foodics.switches.envelope == "simple", page.bounds
    before, after = address(page.number - 1), address(page.following)
    links = {
        "first": address(1), "last": None if simple else address(page.last), "prev": before,
        "next": after,
    }  # fmt: skip
    where = {"from": start + 1, "to": stop} if stop > start else {"from": None, "to": None}
    meta: dict[str, Any] = {
        "current_page": page.number,
        "path": path,
        "per_page": page.size,
        **where,
    }
    if not simple:
        numbers = sorted({1, page.number - 1, page.number, page.number + 1, page.last})
        steps: Sequence[tuple[str, str | None, bool]] = [
            ("&laquo; Previous", before, False),
            *((str(n), address(n), n == page.number) for n in numbers if 0 < n <= page.last),
            ("Next &raquo;", after, False),
        ]
        tour = [{"url": url, "label": label, "active": active} for label, url, active in steps]
        meta |= {"last_page": page.last, "links": tour, "total": page.total}
    return links, meta
