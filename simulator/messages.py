"""What travels between the wire and a vendor: a request, its answer, and what is kept of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson

MISSING: Any = object()
"""As a field's value: the key is not there."""


class Request:
    """A request as a vendor sees it; header names in lower case."""

    def __init__(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        self.method, self.path, self.query = method, path, query
        self.headers, self.body = headers, body
        self.params = dict(parse_qsl(query, keep_blank_values=True))

    @property
    def line(self) -> str:
        """`METHOD path?query`, what patterns are matched against."""
        return _line(self.method, self.path, self.query)

    def json(self) -> Any:
        """Return the body as JSON, None where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def object(self) -> dict[str, Any]:
        """Return the body's JSON object, an empty one where it is none."""
        body = self.json()
        return body if isinstance(body, dict) else {}


@dataclass
class Answer:
    """What goes back; header names in lower case.

    `drop`: the connection is reset instead. `hang`: nothing ever comes. `truncate`: half of the
    body, then the connection ends. `delay`: seconds before the first byte.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False
    truncate: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class RequestSeen:
    """One request as the wire saw it; never its token."""

    method: str
    path: str
    query: str
    status: int
    at: datetime
    host: str
    authorized: bool
    in_flight: int

    @property
    def line(self) -> str:
        """`METHOD path?query`, what patterns are matched against."""
        return _line(self.method, self.path, self.query)


def ok(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return a JSON answer; bytes are JSON already."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Answer(status, body, {"content-type": "application/json", **(headers or {})})


def _line(method: str, path: str, query: str) -> str:
    return f"{method} {path}?{query}" if query else f"{method} {path}"
