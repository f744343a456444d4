"""What may be written to a customer, checked as Collins checks it."""

from __future__ import annotations

import re
from datetime import date

from simulator.collins.errors import Invalid
from simulator.collins.switches import Record
from simulator.collins.world import Account

_TEXTS = {
    "email": 255, "first_name": 255, "last_name": 255, "phone": 20, "company": 255,
    "custom_field_value": 255, "notes": 1000,
}  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def written_of(account: Account, body: Record) -> tuple[Record, dict[str, bool]]:
    """Return the fields to set and the consents to change; what may not be written is dropped.

    Raises:
        Invalid: a value is not what its field takes.
    """
    fields: Record = {}
    for name in body.keys() & _TEXTS.keys():
        fields[name] = _text(name, body[name])
    if "dob" in body:
        fields["dob"] = _date(body["dob"])
    if "labels" in body:
        fields["labels"] = _texts("labels", body["labels"])
    if "associated_venues" in body:
        fields["associated_venues"] = _known(account.venues, "associated_venues", body)
    consents: dict[str, bool] = {}
    if "marketing_preference_ids" in body:
        opted = _known(account.preferences, "marketing_preference_ids", body)
        consents = dict.fromkeys(opted, True)
    return fields, consents | _consents(account, body.get("marketing_preferences", {}))


def _text(name: str, value: object) -> str | None:
    label, most = name.replace("_", " "), _TEXTS[name]
    if value is None:
        return None
    text = str(value) if name == "custom_field_value" else value
    if not isinstance(text, str):
        raise Invalid(name, f"The {label} must be a string.")
    if len(text) > most:
        raise Invalid(name, f"The {label} may not be greater than {most} characters.")
    if name == "email" and text and not _EMAIL.fullmatch(text):
        raise Invalid(name, "The email must be a valid email address.")
    return text


def _date(value: object) -> str | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise Invalid("dob", "The dob does not match the format Y-m-d.") from None


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid(name, f"The {name.replace('_', ' ')} must be an array.")
    return value


def _known(there: Record, name: str, body: Record) -> list[str]:
    ids = _texts(name, body[name])
    for place, one in enumerate(ids):
        if one not in there:
            raise Invalid(f"{name}.{place}", f"The selected {name}.{place} is invalid.")
    return ids


def _consents(account: Account, value: object) -> dict[str, bool]:
    name = "marketing_preferences"
    if not isinstance(value, dict) or not all(isinstance(one, bool) for one in value.values()):
        raise Invalid(name, "The marketing preferences must be an object of true and false.")
    _known(account.preferences, name, {name: list(value)})
    return value
