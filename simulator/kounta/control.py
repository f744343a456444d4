"""Kounta's part of the control interface; `simulator.control` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.messages import MISSING

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta

Body = dict[str, Any]


def act(kounta: Kounta, method: str, path: str, body: Body) -> Any:
    """Do what is asked below `/_control/kounta/`.

    Raises:
        KeyError: there is no such act, company or customer.
    """
    match method, *path.split("/"):
        case "PATCH", "switches":
            return _switch(kounta, body)
        case "POST", "tenants", tenant, "customers":
            body.pop("_touch", None)
            return {"id": kounta.create_customer(tenant, **_fields(body))}
        case "POST", "tenants", tenant, "customers", "touch":
            return {"touched": len(kounta.touch(tenant, int(body["count"])))}
        case method, "tenants", tenant, "customers", customer_id, *rest:
            found = _CUSTOMER.get((method, *rest[:1]))
            if found is not None:
                return found(kounta, tenant, customer_id, rest[1:], body)
        case method, "tenants", tenant, *rest:
            act = _TENANT.get((method, *rest))
            if act is not None:
                return act(kounta, tenant, body)
    raise KeyError(f"{method} {path}")


def _switch(kounta: Kounta, body: Body) -> Body:
    names = vars(kounta.switches)
    unknown = body.keys() - names.keys()
    if unknown:
        raise KeyError(*unknown)
    names.update(body)
    names["vanish"] = set(map(str, names["vanish"]))
    return {**names, "vanish": sorted(names["vanish"])}


def _fields(body: Body) -> Body:
    missing = body.pop("_missing", ())
    return body | dict.fromkeys(missing, MISSING)


def _update(kounta: Kounta, tenant: str, customer_id: str, _: list[str], body: Body) -> None:
    kounta.update_customer(tenant, customer_id, **_fields(body))


def _delete(kounta: Kounta, tenant: str, customer_id: str, _: list[str], __: Body) -> None:
    kounta.customer(tenant, customer_id)
    kounta.delete_customer(tenant, customer_id)


def _restore(kounta: Kounta, tenant: str, customer_id: str, _: list[str], __: Body) -> None:
    kounta.restore_customer(tenant, customer_id)


def _tags(kounta: Kounta, tenant: str, customer_id: str, _: list[str], body: Body) -> None:
    kounta.set_tags(tenant, customer_id, body["tags"])


def _address(kounta: Kounta, tenant: str, customer_id: str, rest: list[str], body: Body) -> None:
    (which,) = rest
    kounta.set_address(tenant, customer_id, which, body["address"])


_CUSTOMER: dict[tuple[str, ...], Callable[[Kounta, str, str, list[str], Body], None]] = {
    ("PATCH",): _update,
    ("DELETE",): _delete,
    ("POST", "restore"): _restore,
    ("PUT", "tags"): _tags,
    ("PUT", "addresses"): _address,
}
_TENANT: dict[tuple[str, ...], Callable[[Kounta, str, Body], Body | None]] = {
    ("POST", "tags", "rename"): lambda k, tenant, b: k.rename_tag(tenant, b["old"], b["new"]),
    ("POST", "hide"): lambda k, tenant, b: k.hide(tenant, b["ids"]),
    ("POST", "unhide"): lambda k, tenant, _: k.unhide(tenant),
    ("POST", "code"): lambda k, tenant, _: {"code": k.authorization_code(tenant)},
}
