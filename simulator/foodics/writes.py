"""Foodics' endpoints that write customers, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from simulator.foodics.customers import INCLUDES, unseen
from simulator.foodics.paging import Refused, one, refuse
from simulator.foodics.query import includes_of
from simulator.foodics.switches import Record
from simulator.foodics.world import Business
from simulator.messages import Answer, Request

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

_NEEDED = ("name", "dial_code", "phone")
_SCOPED = {
    "house_account_limit": "customers.accounts.write",
    "is_house_account_enabled": "customers.accounts.write",
    "is_loyalty_enabled": "customers.loyalty.write",
}


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _flag(value: Any) -> bool:
    return isinstance(value, bool) or value in (0, 1)


def _or_null(rule: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or rule(value)


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_text, "is required"),
    "dial_code": (_integer, "must be an integer"),
    "phone": (_text, "is required"),
    "email": (_or_null(lambda value: _text(value) and "@" in value), "must be a valid email"),
    "gender": (_or_null(lambda value: _integer(value) and value in (1, 2)), "is invalid"),
    "birth_date": (_or_null(_day), "is not a valid date"),
    "notes": (_or_null(lambda value: isinstance(value, str)), "must be a string"),
    "house_account_limit": (_or_null(_integer), "must be an integer"),
    "is_loyalty_enabled": (_flag, "must be true or false"),
    "is_blacklisted": (_flag, "must be true or false"),
    "is_house_account_enabled": (_flag, "must be true or false"),
}


def post_customer(
    foodics: Foodics, request: Request, business: Business, _: Sequence[str]
) -> Answer:
    """POST /customers."""
    fields = _fields(foodics, request, business, needed=_NEEDED)
    customer_id = foodics.create_customer(business.record["id"], **fields)
    return _answer(foodics, request, business, customer_id, 201)


def put_customer(
    foodics: Foodics, request: Request, business: Business, ids: Sequence[str]
) -> Answer:
    """PUT /customers/{customer}: the fields given, no others."""
    refused = unseen(foodics, business, ids[0])
    if refused:
        return refused
    fields = _fields(foodics, request, business)
    foodics.update_customer(business.record["id"], ids[0], **fields)
    return _answer(foodics, request, business, ids[0])


def delete_customer(foodics: Foodics, _: Request, business: Business, ids: Sequence[str]) -> Answer:
    """DELETE /customers/{customer}: a soft delete."""
    refused = unseen(foodics, business, ids[0])
    if refused is None:
        foodics.delete_customer(business.record["id"], ids[0])
    return refused or Answer(204)


def put_restore(
    foodics: Foodics, request: Request, business: Business, ids: Sequence[str]
) -> Answer:
    """PUT /customers/{customer}/restore; one that lives is left as it is."""
    refused = unseen(foodics, business, ids[0], deleted=True)
    if refused:
        return refused
    if ids[0] in business.deleted:
        foodics.restore_customer(business.record["id"], ids[0])
    return _answer(foodics, request, business, ids[0])


def _answer(
    foodics: Foodics, request: Request, business: Business, customer_id: str, status: int = 200
) -> Answer:
    includes = includes_of(foodics, request, INCLUDES)
    return one(business.json(customer_id, includes, foodics.switches), status)


def _fields(
    foodics: Foodics, request: Request, business: Business, needed: Sequence[str] = ()
) -> Record:
    """Return what a body may change; what its scopes do not allow is passed over, unsaid.

    Raises:
        Refused: the body is invalid; 422 says which field and why.
    """
    body = request.object()
    wrong = {name: _why(name, "is required") for name in needed if name not in body}
    for name, (rule, why) in RULES.items():
        if name in body and not rule(body[name]):
            wrong[name] = _why(name, why)
    ids = _tags(business, body.get("tags", []))
    if ids is None:
        wrong["tags"] = _why("tags", "is invalid")
    if wrong:
        raise Refused(refuse(422, errors=wrong))
    scopes = foodics.switches.scopes
    fields = {
        name: body[name]
        for name in RULES
        if name in body and (name not in _SCOPED or _SCOPED[name] in scopes)
    }
    return fields | ({"tags": ids} if "tags" in body else {})


def _tags(business: Business, tags: Any) -> list[str] | None:
    """Return the ids of tags given as `[{"id": …}, …]`, None unless all are living ones."""
    living = {tag_id for tag_id, tag in business.tags.items() if not tag["deleted_at"]}
    given = tags if isinstance(tags, list) else [None]
    ids = [str(tag.get("id")) if isinstance(tag, dict) else "" for tag in given]
    return ids if living.issuperset(ids) else None


def _why(name: str, why: str) -> str:
    return f"The {name.replace('_', ' ')} field {why}."
