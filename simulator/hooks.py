"""What a test can do to the wire: act before a request, break an answer, count what came."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.messages import Answer, RequestSeen

_ID = re.compile(r"/([0-9A-Z]{26}|[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]{5,})(?=[/.]|$)")
Body = bytes | str | Callable[[bytes], bytes | str]


@dataclass
class _Rule:
    pattern: re.Pattern[str]
    first: int
    last: float
    act: Callable[[Answer | None], Answer | None]
    before: bool
    seen: int = 0


class Hooks:
    """Rules by pattern and number, and the record of what was asked.

    A pattern is searched in `METHOD path?query`; numbers count from 1 and from now.
    """

    def __init__(self) -> None:
        self.requests: list[RequestSeen] = []
        self.in_flight = self.max_in_flight = 0
        self._rules: list[_Rule] = []
        self._counting = threading.Lock()

    def before(self, pattern: str, nth: int | None, do: Callable[[], object]) -> None:
        """Call `do` before the nth matching request is answered; None: before every one."""

        def act(_: Answer | None) -> None:
            do()

        first, last = (1, float("inf")) if nth is None else (nth, nth)
        self._rules.append(_Rule(re.compile(pattern), first, last, act, before=True))

    def fault(
        self,
        pattern: str,
        nth: int = 1,
        times: int | None = 1,
        *,
        status: int | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Body | None = None,
        drop: bool = False,
        hang: bool = False,
        truncate: bool = False,
        delay: float = 0.0,
    ) -> None:
        """Change the answer to the nth matching request and `times` in all; None: for ever.

        A write has happened when its answer is changed. `status` replaces the whole answer, `body`
        alone only the body (a callable is given the true one), a header of None is left out.
        """

        def act(answer: Answer | None) -> Answer:
            answer = answer or Answer()
            if status is not None:
                answer = Answer(status, b"", {"content-type": "application/json"})
            if body is not None:
                content = body(answer.body) if callable(body) else body
                answer.body = content.encode() if isinstance(content, str) else content
            for name, value in (headers or {}).items():
                answer.headers.pop(name.lower(), None)
                if value is not None:
                    answer.headers[name.lower()] = value
            answer.drop, answer.hang, answer.truncate = drop, hang, truncate
            answer.delay = delay
            return answer

        last = float("inf") if times is None else nth + times - 1
        self._rules.append(_Rule(re.compile(pattern), nth, last, act, before=False))

    def clear_faults(self) -> None:
        """Forget every fault and every hook."""
        self._rules.clear()

    clear = clear_faults

    def reset_counters(self) -> None:
        """Forget what was asked so far; rules go on counting."""
        with self._counting:
            self.requests.clear()
            self.max_in_flight = self.in_flight

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(1 for seen in list(self.requests) if re.search(pattern, seen.line))

    def by_kind(self) -> dict[str, int]:
        """Return how many requests came, ids and cursors left out."""
        seen = list(self.requests)
        lines = (_ID.sub("/{id}", f"{r.method} {r.path}") for r in seen)
        return dict(Counter(lines))

    @contextmanager
    def flight(self, path: str) -> Iterator[None]:
        """Count a request as under way from its arrival until its answer has left."""
        counted = not path.startswith("/_control")
        with self._counting:
            self.in_flight += counted
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            yield
        finally:
            with self._counting:
                self.in_flight -= counted

    def _due(self, line: str) -> tuple[list[_Rule], list[_Rule]]:
        """Return the rules due at this request: those before it, those on its answer."""
        before: list[_Rule] = []
        after: list[_Rule] = []
        for rule in list(self._rules):
            if rule.pattern.search(line):
                rule.seen += 1
                if rule.first <= rule.seen <= rule.last:
                    (before if rule.before else after).append(rule)
        return before, after
