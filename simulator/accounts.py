"""What a syncing project has to be told of a simulator: its settings, as environment variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.core import Simulator


def settings_for(simulator: Simulator) -> dict[str, str]:
    """Return every account of every vendor as environment variables.

    LOKE's one client sees all its organisations. Of the others the first tenant is the account of
    the vendor's own section, the second a further one, named `second`.
    """
    found: dict[str, str] = {}
    for vendor, held in simulator.vendors.items():
        facts = held.describe()
        prefix = f"SOURCES__{vendor.upper()}"
        found[f"{prefix}__BASE_URL"] = facts["base_url"]
        if vendor == "loke":
            for key in ("token_url", "client_id", "client_secret"):
                found[f"{prefix}__{key.upper()}"] = facts[key]
            continue
        for index, (tenant, its) in enumerate(facts["tenants"].items()):
            section = prefix if index == 0 else f"{prefix}__ACCOUNTS__SECOND"
            for key, value in _credential(vendor, tenant, its).items():
                found[f"{section}__{key.upper()}"] = value
    return found


def _credential(vendor: str, tenant: str, facts: dict[str, str]) -> dict[str, str]:
    if vendor == "kounta":
        names = ("client_id", "client_secret", "refresh_token")
        return {"company_id": tenant, **{name: facts[name] for name in names}}
    token = {"access_token": facts["token"]}
    return {**token, "tenant_id": tenant} if vendor == "collins" else token
