"""Foodics' part of the control interface; `simulator.control` describes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.messages import MISSING

if TYPE_CHECKING:
    from simulator.foodics.wire import Foodics

Body = dict[str, Any]
Act = Callable[["Foodics", str, Sequence[str], Body], Body | None]


def act(foodics: Foodics, method: str, path: str, body: Body) -> Any:
    """Do what is asked below `/_control/foodics/`.

    Raises:
        KeyError: there is no such act, business, customer or tag.
    """
    if (method, path) == ("PATCH", "switches"):
        return _switch(foodics, body)
    match path.split("/"):
        case ["tenants", tenant, *rest]:
            for (wanted, *shape), do in _ACTS:
                if wanted == method and len(shape) == len(rest) and _fits(shape, rest):
                    ids = [step for step, form in zip(rest, shape, strict=True) if form == "{}"]
                    foodics.world[tenant]
                    return do(foodics, tenant, ids, _fields(body))
    raise KeyError(f"{method} {path}")


def _fits(shape: Sequence[str], rest: Sequence[str]) -> bool:
    return all(form in ("{}", step) for form, step in zip(shape, rest, strict=True))


def _switch(foodics: Foodics, body: Body) -> Body:
    names = vars(foodics.switches)
    unknown = body.keys() - names.keys()
    if unknown:
        raise KeyError(*unknown)
    names.update(body)
    return dict(names)


def _fields(body: Body) -> Body:
    missing = body.pop("_missing", ())
    return body | dict.fromkeys(missing, MISSING)


def _create(foodics: Foodics, tenant: str, _: Sequence[str], fields: Body) -> Body:
    fields.pop("_touch", None)
    return {"id": foodics.create_customer(tenant, **fields)}


def _touch(foodics: Foodics, tenant: str, _: Sequence[str], body: Body) -> Body:
    return {"touched": len(foodics.touch(tenant, int(body["count"])))}


def _stamp(foodics: Foodics, tenant: str, _: Sequence[str], body: Body) -> None:
    stamped = datetime.fromisoformat(body["stamp"]).replace(tzinfo=UTC)
    foodics.bulk_stamp(tenant, body["ids"], stamped)


def _update(foodics: Foodics, tenant: str, ids: Sequence[str], fields: Body) -> None:
    foodics.update_customer(tenant, ids[0], **fields)


def _delete(foodics: Foodics, tenant: str, ids: Sequence[str], _: Body) -> None:
    foodics.customer(tenant, ids[0])
    foodics.delete_customer(tenant, ids[0])


def _restore(foodics: Foodics, tenant: str, ids: Sequence[str], _: Body) -> None:
    foodics.restore_customer(tenant, ids[0])


def _erase(foodics: Foodics, tenant: str, ids: Sequence[str], _: Body) -> None:
    foodics.erase_customer(tenant, ids[0])


def _order(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.order(tenant, ids[0], **body)


def _tags(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.set_tags(tenant, ids[0], body.pop("tags"), **body)


def _addresses(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.set_addresses(tenant, ids[0], body.pop("addresses"), **body)


def _create_tag(foodics: Foodics, tenant: str, _: Sequence[str], body: Body) -> Body:
    return {"id": foodics.create_tag(tenant, **body)}


def _rename_tag(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.rename_tag(tenant, ids[0], body["name"])


def _delete_tag(foodics: Foodics, tenant: str, ids: Sequence[str], _: Body) -> None:
    foodics.delete_tag(tenant, ids[0])


def _attach(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.attach(tenant, *ids, **body)


def _detach(foodics: Foodics, tenant: str, ids: Sequence[str], body: Body) -> None:
    foodics.detach(tenant, *ids, **body)


def _hide(foodics: Foodics, tenant: str, _: Sequence[str], body: Body) -> None:
    foodics.hide(tenant, body["ids"])


def _unhide(foodics: Foodics, tenant: str, _: Sequence[str], __: Body) -> None:
    foodics.unhide(tenant)


def _revoke(foodics: Foodics, tenant: str, _: Sequence[str], __: Body) -> Body:
    foodics.revoke(tenant)
    return {"token": foodics.token(tenant)}


_ACTS: Sequence[tuple[Sequence[str], Act]] = (
    (("POST", "customers"), _create),
    (("POST", "customers", "touch"), _touch),
    (("POST", "customers", "stamp"), _stamp),
    (("PATCH", "customers", "{}"), _update),
    (("DELETE", "customers", "{}"), _delete),
    (("POST", "customers", "{}", "restore"), _restore),
    (("POST", "customers", "{}", "erase"), _erase),
    (("POST", "customers", "{}", "order"), _order),
    (("PUT", "customers", "{}", "tags"), _tags),
    (("PUT", "customers", "{}", "addresses"), _addresses),
    (("POST", "tags"), _create_tag),
    (("PATCH", "tags", "{}"), _rename_tag),
    (("DELETE", "tags", "{}"), _delete_tag),
    (("PUT", "tags", "{}", "customers", "{}"), _attach),
    (("DELETE", "tags", "{}", "customers", "{}"), _detach),
    (("POST", "hidden"), _hide),
    (("DELETE", "hidden"), _unhide),
    (("POST", "token"), _revoke),
)
