"""What a list of customers can be asked for: every documented filter, and the sort."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import orjson

from simulator.collins.errors import Invalid
from simulator.collins.stamps import day
from simulator.collins.switches import CollinsSwitches, Record
from simulator.collins.world import ALWAYS, STAMPED
from simulator.messages import Request

RELEVANCE = "relevance"
SORTS = (
    "id", "email", "first_name", "last_name", "phone", "company", "dob", "custom_field_value",
    *STAMPED,
)  # fmt: skip
Span = tuple[str, str]


@dataclass(frozen=True)
class Condition:
    """What a customer must fulfil; the bytes of its record hold one of the needles, if any."""

    holds: Callable[[Record], bool]
    needles: tuple[bytes, ...] = ()

    def passes(self, raw: bytes) -> bool:
        """Return whether a record may fulfil it at all, from its bytes."""
        return not self.needles or any(needle in raw for needle in self.needles)


@dataclass(frozen=True)
class Search:
    """What is asked, in which order; `spans` are days of the stamps that orders are kept of."""

    spans: dict[str, Span]
    tests: list[Condition]
    sorts: tuple[tuple[str, bool], ...]  # field, falling
    text: str
    key: tuple[object, ...]

    def admits(self, record: Record, passed: str | None) -> bool:
        """Return whether a record is what is asked, its days of the stamp `passed` known to be."""
        return all(
            name == passed or _within(record.get(name), span) for name, span in self.spans.items()
        ) and all(test.holds(record) for test in self.tests)


def search_of(switches: CollinsSwitches, request: Request) -> Search:
    """Return what a request asks for; unknown and empty parameters ask for nothing.

    Raises:
        Invalid: a value is not what its parameter takes.
    """
    asked = {name: value for name, value in request.params.items() if value}
    if switches.filter_ignored:
        asked = {name: asked[name] for name in asked if not name.startswith("last_updated")}
    if switches.sort_ignored:
        asked.pop("sort", None)
    zone, spans = switches.filter_zone, {}
    for name in STAMPED:
        span = _span(asked, name, zone)
        if span is not None:
            spans[name] = span
    tests = [*_consents(asked, zone), *_lists(asked), *_values(asked)]
    booked = _span(asked, "booking_date", zone)
    if booked is not None:
        tests.append(_booking(booked))
    text = asked.get("query", "").casefold()
    if text:
        tests.append(Condition(lambda record: place_of(record, text) is not None))
    looks = (zone, switches.null_last, switches.ties)
    what = sorted((name, asked[name]) for name in asked if name not in ("page", "limit"))
    return Search(spans, tests, _sorts(asked), text, (looks, *what))


def place_of(record: Record, text: str) -> int | None:
    """Return where the query's text begins in the field that resembles it most."""
    fields = (full_name(record), *(record.get(name) for name in ("email", "company", "phone")))
    places = [str(one).casefold().find(text) for one in fields if one]
    return min((place for place in places if place >= 0), default=None)


def full_name(record: Record) -> str:
    """Return first and last name."""
    return " ".join(filter(None, (record.get("first_name"), record.get("last_name"))))


def _sorts(asked: Mapping[str, str]) -> tuple[tuple[str, bool], ...]:
    if "sort" not in asked:
        return ((RELEVANCE if "query" in asked else "created_date", False),)
    sorts = tuple((name.lstrip("-"), name.startswith("-")) for name in _split(asked["sort"]))
    if not sorts or not {name for name, _ in sorts} <= set(SORTS):
        raise Invalid("sort", "The selected sort is invalid.")
    return sorts


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _span(asked: Mapping[str, str], name: str, zone: str) -> Span | None:
    """Return the days that a filter and its `_from` and `_to` leave, both ends included."""
    low, high = ALWAYS
    for suffix in ("", "_from", "_to"):
        text = asked.get(name + suffix)
        if text is None:
            continue
        try:
            begins, ends = day(text, zone)
        except ValueError:
            label = (name + suffix).replace("_", " ")
            raise Invalid(name + suffix, f"The {label} is not a valid date.") from None
        if suffix != "_to":
            low = max(low, begins)
        if suffix != "_from":
            high = min(high, ends)
    return None if (low, high) == ALWAYS else (low, high)


def _within(moment: object, span: Span) -> bool:
    return isinstance(moment, str) and span[0] <= moment < span[1]


def _quoted(values: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(orjson.dumps(value) for value in values)


def _consents(asked: Mapping[str, str], zone: str) -> list[Condition]:
    tests = []
    for name, opted, stamp in (
        ("opted_in", True, "opt_in_date"),
        ("opted_out", False, "opt_out_date"),
    ):
        span = _span(asked, f"{name}_date", zone)
        if name in asked:
            tests.append(_consent(set(_split(asked[name])), opted, stamp, span))
        elif span is not None:
            label = name.replace("_", " ")
            raise Invalid(name, f"The {label} field is required when {label} date is present.")
    return tests


def _consent(ids: set[str], opted: object, stamp: str, span: Span | None) -> Condition:
    def holds(record: Record) -> bool:
        return any(
            one["id"] in ids
            and one.get("opted_in") is opted
            and (span is None or _within(one.get(stamp), span))
            for one in record.get("marketing_preferences") or ()
        )

    return Condition(holds, _quoted(ids))


def _booking(span: Span) -> Condition:
    def holds(record: Record) -> bool:
        return any(_within(one.get("date"), span) for one in record.get("bookings") or ())

    return Condition(holds, (b'"bookings":[{',))


def _lists(asked: Mapping[str, str]) -> list[Condition]:
    return [
        _any_of(name, set(_split(asked[name])))
        for name in ("associated_venues", "labels")
        if name in asked
    ]


def _any_of(name: str, wanted: set[str]) -> Condition:
    return Condition(lambda record: not wanted.isdisjoint(record.get(name) or ()), _quoted(wanted))


def _values(asked: Mapping[str, str]) -> list[Condition]:
    tests = []
    if "email" in asked:
        emails = {one.casefold() for one in _split(asked["email"])}
        tests.append(Condition(lambda one: str(one.get("email")).strip().casefold() in emails))
    if "full_name" in asked:
        name = asked["full_name"].strip().casefold()
        tests.append(Condition(lambda one: full_name(one).casefold() == name))
    if "dob_month" in asked:
        months = {one.zfill(2) for one in _split(asked["dob_month"])}
        if not months <= {f"{month:02d}" for month in range(1, 13)}:
            raise Invalid("dob_month", "The selected dob month is invalid.")
        tests.append(Condition(lambda one: str(one.get("dob"))[5:7] in months))
    return tests
