"""What a test can do to the wire: act before a request, break an answer, count what came."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class RequestSeen:
    """One request as the wire saw it; never its token."""

    method: str
    path: str
    query: str
    host: str
    authorized: bool
    status: int
    at: datetime

    @property
    def line(self) -> str:
        """`METHOD path?query`, what patterns are matched against."""
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")


@dataclass
class Answer:
    """What goes back. `drop`: no answer comes; `hang`: it never ends; `truncate`: half of it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False
    truncate: bool = False
    delay: float = 0.0


@dataclass
class _Rule:
    pattern: re.Pattern[str]
    first: int
    last: float
    act: Callable[[Answer | None], Answer | None]
    before: bool
    seen: int = 0


class Hooks:
    """Rules by pattern and number, and the record of what was asked."""

    def __init__(self) -> None:
        self.requests: list[RequestSeen] = []
        self.in_flight = self.max_in_flight = 0
        self._rules: list[_Rule] = []

    def before(self, pattern: str, nth: int, do: Callable[[], object]) -> None:
        """Call `do` before the nth request from now that matches is answered."""

        def act(_: Answer | None) -> None:
            do()

        self._rules.append(_Rule(re.compile(pattern), nth, nth, act, before=True))

    def fault(
        self,
        pattern: str,
        *,
        nth: int = 1,
        times: int | None = 1,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        drop: bool = False,
        hang: bool = False,
        truncate: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Change the answer to the nth matching request and those after it; `times` None: all."""
        content = body.encode() if isinstance(body, str) else body

        def act(answer: Answer | None) -> Answer:
            answer = answer or Answer()
            if status is not None:
                answer = Answer(status, b"", {"content-type": "application/json"})
            if content is not None:
                answer.body = content
            answer.headers |= dict(headers or {})
            answer.drop, answer.hang, answer.truncate = drop, hang, truncate
            answer.delay = delay
            return answer

        last = float("inf") if times is None else nth + times - 1
        self._rules.append(_Rule(re.compile(pattern), nth, last, act, before=False))

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(1 for seen in self.requests if re.search(pattern, seen.line))

    def by_kind(self) -> dict[str, int]:
        """Return how many requests came, ids and cursors left out."""
        lines = (re.sub(r"/[0-9A-Z]{26}", "/{id}", f"{r.method} {r.path}") for r in self.requests)
        return dict(Counter(lines))

    def due(self, line: str) -> tuple[list[_Rule], list[_Rule]]:
        """Return the rules due at this request: those before it, those on its answer."""
        before: list[_Rule] = []
        after: list[_Rule] = []
        for rule in list(self._rules):
            if rule.pattern.search(line):
                rule.seen += 1
                if rule.first <= rule.seen <= rule.last:
                    (before if rule.before else after).append(rule)
        return before, after
