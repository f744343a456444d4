"""What core has to say, worked out from the simulator's truth by other means than the product's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from simulator import Simulator

Rows = dict[tuple[Any, ...], tuple[Any, ...]]
Expected = dict[str, tuple[str, int, Rows]]

_CUSTOMER = (
    "tenant_id, customer_id, first_name, last_name, full_name, email, accepts_marketing, "
    "is_blacklisted, birth_date, gender, company, points_balance, total_spend, currency, "
    "order_count, last_order_at, created_at, updated_at"
)
_LIST = "tenant_id, list_kind, list_id, name, member_count, created_at, updated_at"
_MEMBER = "tenant_id, list_kind, list_id, customer_id, added_at"
_ADDRESS = (
    "tenant_id, customer_id, address_id, label, lines, city, region, postal_code, country, "
    "latitude, longitude"
)


def expected(sim: Simulator, vendor: str) -> Expected:
    """Return (columns, length of the key, key → the rest) of each of core's tables."""
    truth = getattr(sim, vendor).truth()
    customer, address = _CUSTOMERS[vendor], _ADDRESSES.get(vendor, lambda _: {})
    facts = truth.organizations if vendor == "loke" else truth.tenants
    customers = {
        (tenant, str(key)): customer(record, facts[tenant])
        for (tenant, key), record in truth.customers.items()
    }
    addresses = {
        (tenant, str(key), held): row
        for (tenant, key), record in truth.customers.items()
        for held, row in address(record).items()
    }
    if vendor == "loke":
        lists = {(org, "customer_list", key): one for (org, key), one in truth.lists.items()}
        members = {(org, "customer_list", key): one for (org, key), one in truth.members.items()}
    else:
        lists, members = truth.lists, truth.members
    return {
        "customers": (_CUSTOMER, 2, customers),
        "lists": (_LIST, 3, {key: _list(vendor, key[1], one) for key, one in lists.items()}),
        "memberships": (
            _MEMBER,
            4,
            {
                (*key, str(member)): (_time(added),)
                for key, on_it in members.items()
                for member, added in on_it.items()
            },
        ),
        "customer_addresses": (_ADDRESS, 3, addresses),
    }


def _text(value: Any) -> str | None:
    return (str(value).strip() or None) if value is not None else None


def _email(value: Any) -> str | None:
    return _text(value.lower()) if isinstance(value, str) and "@" in value else None


def _time(text: Any) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(text: Any) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _joined(record: dict[str, Any], *names: str) -> str | None:
    return _text(" ".join(str(record.get(name) or "") for name in names))


def _loke(record: dict[str, Any], org: dict[str, Any]) -> tuple[Any, ...]:
    held, currency = record.get("statistics") or {}, org.get("currency")
    spend, points = held.get("totalSpend"), held.get("pointsBalance")
    gender = record.get("gender")
    return (
        _text(record["firstName"]), _text(record["lastName"]),
        _joined(record, "firstName", "lastName"), _email(record.get("email")),
        record.get("hasAgreedToMarketing"), None, _day(record.get("dob")),
        gender.lower() if gender in ("FEMALE", "MALE", "OTHER") else None, None,
        None if points is None else Decimal(points),
        None if spend is None or currency is None else Decimal(spend) / 100,
        None if spend is None else currency,
        None, _time(held.get("lastSpentAt", held.get("lastSpend"))),
        _time(record.get("createdAt")), _time(record.get("updatedAt")),
    )  # fmt: skip


def _collins(record: dict[str, Any], _: Any) -> tuple[Any, ...]:
    said = [one.get("opted_in") for one in record.get("marketing_preferences") or ()]
    accepts = True if True in said else False if False in said else None
    return (
        _text(record.get("first_name")), _text(record.get("last_name")),
        _joined(record, "first_name", "last_name"), _email(record.get("email")), accepts, None,
        _day(record.get("dob")), None, _text(record.get("company")), None, None, None, None, None,
        _time(record.get("created_date")), _time(record.get("last_updated")),
    )  # fmt: skip


def _kounta(record: dict[str, Any], _: Any) -> tuple[Any, ...]:
    return (
        _text(record.get("first_name")), _text(record.get("last_name")),
        _joined(record, "first_name", "last_name"), _email(record.get("primary_email_address")),
        record.get("accepts_marketing"), *[None] * 11,
    )  # fmt: skip


def _foodics(record: dict[str, Any], _: Any) -> tuple[Any, ...]:
    balance = record.get("loyalty_balance")
    barred = record.get("is_blacklisted")
    return (
        None, None, _text(record.get("name")), _email(record.get("email")), None,
        None if barred is None else bool(barred), _day(record.get("birth_date")),
        {1: "male", 2: "female"}.get(record.get("gender") or 0), None,
        None if balance is None else Decimal(str(balance)), None, None,
        record.get("order_count"), _time(record.get("last_order_at")),
        _time(record.get("created_at")), _time(record.get("updated_at")),
    )  # fmt: skip


_CUSTOMERS = {"loke": _loke, "collins": _collins, "kounta": _kounta, "foodics": _foodics}


def _list(vendor: str, kind: str, record: dict[str, Any]) -> tuple[Any, ...]:
    if vendor == "loke":
        return record["name"], record.get("memberCount"), _time(record.get("createdAt")), None
    if vendor == "foodics":
        created, updated = record.get("created_at"), record.get("updated_at")
        return record["name"], record.get("customers_count"), _time(created), _time(updated)
    if kind == "venue":
        created, updated = record.get("created_date"), record.get("last_updated")
        return record.get("title"), None, _time(created), _time(updated)
    return record["name"], None, _time(record.get("created_date")), None


def _collins_address(record: dict[str, Any]) -> Rows:
    held = record.get("company_address") or {}
    street, city, code = (_text(held.get(name)) for name in ("street", "city", "post_code"))
    if not (street or city or code):
        return {}
    return {"company": ("company", street, city, None, code, None, None, None)}  # type: ignore[dict-item]


def _kounta_address(record: dict[str, Any]) -> Rows:
    found: Rows = {}
    for key in ("shipping_address", "primary_address", "postal_address"):
        if held := record.get(key):
            lines = held.get("lines") or ([held["address"]] if held.get("address") else [])
            found[str(held["id"])] = (  # type: ignore[index]
                key.split("_")[0].replace("postal", "primary"), "\n".join(lines) or None,
                _text(held.get("city")), _text(held.get("zone", held.get("state"))),
                _text(held.get("postal_code")), _text(held.get("country")), None, None,
            )  # fmt: skip
    return found


def _foodics_address(record: dict[str, Any]) -> Rows:
    return {
        held["id"]: (
            _text(held.get("name")),
            "\n".join(t for n in ("description", "details") if (t := _text(held.get(n)))) or None,
            None, None, None, None,
            float(held["latitude"]), float(held["longitude"]),
        )
        for held in record.get("addresses") or ()
    }  # fmt: skip


_ADDRESSES = {
    "collins": _collins_address, "kounta": _kounta_address, "foodics": _foodics_address,
}  # fmt: skip
