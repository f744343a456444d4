"""What a request asks of a list: `filter[…]`, `sort`, `include`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from simulator.foodics.paging import Refused, refuse
from simulator.foodics.switches import Record
from simulator.foodics.world import after

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics
    from simulator.messages import Request

Filters = Mapping[str, str]
Predicate = Callable[[Record, str], bool]


def filters_of(foodics: Foodics, request: Request, known: Collection[str]) -> dict[str, str]:
    """Return the filters that count, `updated_after` in the vendor's form.

    Raises:
        Refused: a filter is unknown and the switch refuses it, or `updated_after` is no time.
    """
    found: dict[str, str] = {}
    for name, value in request.params.items():
        match = re.fullmatch(r"filter\[(.+)\]", name)
        if match and _known(foodics, "filter", match[1], known) and value.strip():
            found[match[1]] = value.strip()
    if foodics.switches.filter_ignored or (
        "is_deleted" in found and foodics.switches.is_deleted_with_updated_after == "ignored"
    ):
        found.pop("updated_after", None)
    if "updated_after" in found:
        found["updated_after"] = _moment(found["updated_after"])
    return found


def sort_of(foodics: Foodics, request: Request, known: Collection[str]) -> tuple[str, bool]:
    """Return the field a list is sorted by, and whether it falls; `created_at` unless asked."""
    text = request.params.get("sort", "").partition(",")[0].strip()
    name = text.removeprefix("-")
    if not name or not _known(foodics, "sort", name, known) or foodics.switches.sort_ignored:
        return "created_at", False
    return name, text.startswith("-")


def includes_of(foodics: Foodics, request: Request, known: Collection[str]) -> frozenset[str]:
    """Return what a request asks to include; a part of something brings it along."""
    asked = [name.strip() for name in request.params.get("include", "").split(",")]
    names = {name for name in asked if name and _known(foodics, "include", name, known)}
    if foodics.switches.include_ignored:
        return frozenset()
    return frozenset(names | {name.partition(".")[0] for name in names})


def _known(foodics: Foodics, what: str, name: str, known: Collection[str]) -> bool:
    if name not in known and foodics.switches.unknown_filter == "error":
        text = f"Requested {what}(s) `{name}` are not allowed."
        raise Refused(refuse(400, f"{text} Allowed {what}(s) are `{', '.join(known)}`."))
    return name in known


def _moment(text: str) -> str:
    # The vendor's own samples hold two spaces.
    plain = " ".join(text.split())
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return f"{datetime.strptime(plain, form):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ007 - no zone is sent
        except ValueError:
            continue
    wrong = {"filter.updated_after": "The filter.updated_after is not a valid date."}
    raise Refused(refuse(422, errors=wrong))


def which(foodics: Foodics, filters: Filters) -> str:
    """Return which records a list is drawn from: living, deleted or all."""
    if "is_deleted" in filters:
        return "deleted" if _yes(filters["is_deleted"]) else "living"
    return "deleted" if "deleted_on" in filters else foodics.switches.default_list


def matches(foodics: Foodics, record: Record, filters: Filters) -> bool:
    """Tell whether a record passes every filter; whether it is deleted is not looked at."""
    for name, value in filters.items():
        if name == "updated_after":
            bound = after(value, inclusive=foodics.switches.updated_after == "inclusive")
            if str(record.get("updated_at") or "") < bound:
                return False
        elif name in PREDICATES and not PREDICATES[name](record, value):
            return False
    return True


def chosen(
    foodics: Foodics, records: Iterable[Record], filters: Filters, sort: tuple[str, bool]
) -> list[Record]:
    """Return the records of a small list in the order asked for, each as long as it passes."""
    pool, (name, falling) = which(foodics, filters), sort
    fitting = [
        record
        for record in records
        if pool in ("all", "deleted" if record["deleted_at"] else "living")
        and matches(foodics, record, filters)
    ]
    return sorted(fitting, key=lambda one: (str(one.get(name)), one["id"]), reverse=falling)


def _yes(value: str) -> bool:
    return value.lower() in ("true", "1")


def _flag(name: str) -> Predicate:
    return lambda record, value: bool(record.get(name)) == _yes(value)


def _day(name: str) -> Predicate:
    return lambda record, value: str(record.get(name) or "")[:10] == value


def _among(name: str) -> Predicate:
    return lambda record, value: str(record.get(name)).lower() in value.lower().split(",")


def _part(name: str) -> Predicate:
    return lambda record, value: value.lower() in str(record.get(name) or "").lower()


PREDICATES: dict[str, Predicate] = {
    "id": _among("id"),
    "type": _among("type"),
    "customer_id": lambda record, value: record["customer"]["id"] in value.split(","),
    "name": _part("name"),
    "name_localized": _part("name_localized"),
    "email": _among("email"),
    "phone": _among("phone"),
    "dial_code": _among("dial_code"),
    "longitude": _among("longitude"),
    "is_blacklisted": _flag("is_blacklisted"),
    "is_house_account_enabled": _flag("is_house_account_enabled"),
    "is_loyalty_enabled": _flag("is_loyalty_enabled"),
    "has_orders": _flag("order_count"),
    "has_email": _flag("email"),
    "has_negative_balance": lambda record, value: (
        ((record.get("house_account_balance") or 0) < 0) == _yes(value)
    ),
    "created_on": _day("created_at"),
    "updated_on": _day("updated_at"),
    "deleted_on": _day("deleted_at"),
}
