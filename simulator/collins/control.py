"""Collins's part of the control interface; `simulator.control` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.messages import MISSING

if TYPE_CHECKING:
    from simulator.collins.wire import Collins

Body = dict[str, Any]


def act(collins: Collins, method: str, path: str, body: Body) -> Any:
    """Do what is asked below `/_control/collins/`.

    Raises:
        KeyError: there is no such act, account, customer, venue or preference.
    """
    if (method, path) == ("PATCH", "switches"):
        return _switch(collins, body)
    missing = body.pop("_missing", ())
    fields = body | dict.fromkeys(missing, MISSING)
    match [method, *path.split("/")]:
        case [_, "tenants", tenant, "customers", *rest] if tenant in collins.world:
            return _customers(collins, method, tenant, rest, fields)
        case ["POST", "tenants", tenant, "venues"]:
            return {"id": collins.add_venue(tenant, **fields)}
        case ["PATCH", "tenants", tenant, "venues", venue_id]:
            return collins.rename_venue(tenant, venue_id, fields["title"])
        case ["DELETE", "tenants", tenant, "preferences", preference_id]:
            return collins.retire_preference(tenant, preference_id)
        case ["PATCH", "tenants", tenant, "labels"]:
            return collins.rename_label(tenant, **fields)
    raise KeyError(f"{method} {path}")


def _switch(collins: Collins, body: Body) -> Body:
    names = vars(collins.switches)
    unknown = body.keys() - names.keys()
    if unknown:
        raise KeyError(*unknown)
    names.update(body)
    return dict(names)


def _customers(collins: Collins, method: str, tenant: str, rest: list[str], fields: Body) -> Any:
    """Do what is asked of an account's customers, of one of them, or of a part of that one."""
    if not rest or rest == ["touch"]:
        return _ACTS[method, *rest](collins, tenant, fields)
    customer_id, *below = rest
    return _ACTS[method, "{}", *below[:1]](collins, (tenant, customer_id, *below[1:]), fields)


def _create(collins: Collins, tenant: str, fields: Body) -> Body:
    fields.pop("_touch", None)
    return {"id": collins.create_customer(tenant, **fields)}


def _touch(collins: Collins, tenant: str, fields: Body) -> Body:
    return {"touched": len(collins.touch(tenant, int(fields["count"])))}


def _delete(collins: Collins, at: tuple[str, ...], _: Body) -> None:
    collins.customer(*at)
    collins.delete_customer(*at)


_ACTS: dict[tuple[str, ...], Callable[[Collins, Any, Body], Any]] = {
    ("POST",): _create,
    ("POST", "touch"): _touch,
    ("PATCH", "{}"): lambda collins, at, fields: collins.update_customer(*at, **fields),
    ("DELETE", "{}"): _delete,
    ("POST", "{}", "restore"): lambda collins, at, _: collins.restore_customer(*at),
    ("PUT", "{}", "labels"): lambda collins, at, fields: collins.set_labels(*at, **fields),
    ("PUT", "{}", "venues"): lambda collins, at, fields: collins.set_venues(*at, **fields),
    ("PUT", "{}", "preferences"): lambda collins, at, f: collins.set_preference(*at, **f),
    ("POST", "{}", "bookings"): lambda collins, at, f: {"id": collins.add_booking(*at, **f)},
}
