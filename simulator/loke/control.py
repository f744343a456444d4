"""LOKE's part of the control interface; `simulator.control` describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.messages import MISSING

if TYPE_CHECKING:
    from simulator.loke.wire import Loke

Body = dict[str, Any]


def act(loke: Loke, method: str, path: str, body: Body) -> Any:
    """Do what is asked below `/_control/loke/`.

    Raises:
        KeyError: there is no such act, organisation or customer.
    """
    if (method, path) == ("PATCH", "switches"):
        return _switch(loke, body)
    match path.split("/"):
        case ["organizations", org, "lists", "rotate"] if method == "POST":
            return {"moved": loke.rotate_members(org, int(body["count"]))}
        case ["organizations", org, "customers", *rest]:
            found = _ACTS.get((method, len(rest), rest[-1] if rest[-1:] in _WORDS else ""))
            if found is not None:
                return found(loke, org, rest[0] if rest else "", _fields(body))
    raise KeyError(f"{method} {path}")


def _switch(loke: Loke, body: Body) -> Body:
    names = vars(loke.switches)
    unknown = body.keys() - names.keys()
    if unknown:
        raise KeyError(*unknown)
    names.update(body)
    return dict(names)


def _fields(body: Body) -> Body:
    missing = body.pop("_missing", ())
    return body | dict.fromkeys(missing, MISSING)


def _create(loke: Loke, org: str, _: str, fields: Body) -> Body:
    fields.pop("_touch", None)
    return {"id": loke.create_customer(org, **fields)}


def _touch(loke: Loke, org: str, _: str, fields: Body) -> Body:
    return {"touched": len(loke.touch(org, int(fields["count"])))}


def _update(loke: Loke, org: str, customer_id: str, fields: Body) -> None:
    loke.update_customer(org, customer_id, **fields)


def _statistics(loke: Loke, org: str, customer_id: str, fields: Body) -> None:
    loke.update_statistics(org, customer_id, **fields)


def _delete(loke: Loke, org: str, customer_id: str, _: Body) -> None:
    loke.customer(org, customer_id)
    loke.delete_customer(org, customer_id)


_WORDS = (["touch"], ["statistics"])
_ACTS: dict[tuple[str, int, str], Callable[[Loke, str, str, Body], Body | None]] = {
    ("POST", 0, ""): _create,
    ("POST", 1, "touch"): _touch,
    ("PATCH", 1, ""): _update,
    ("PATCH", 2, "statistics"): _statistics,
    ("DELETE", 1, ""): _delete,
}
