"""Settings from dlt's own configuration: which accounts there are, and how each is read."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import dlt
from dlt.extract import DltSource

from sources import VENDORS
from sources.errors import ConfigError

# What makes a vendor configured: with none of these set it is not, with some of them it is wrong.
SECRETS: Mapping[str, tuple[str, ...]] = {
    "loke": ("client_id", "client_secret"),
    "collins": ("access_token",),
    "kounta": ("company_id", "client_id", "client_secret"),
    "foodics": ("access_token",),
}
_SECRET = frozenset({"client_id", "client_secret", "access_token", "refresh_token"})
_NUMBERS = (
    "requests_per_minute",
    "max_wait_seconds",
    "full_scan_every_hours",
    "lag_minutes",
    "detail_max_age_days",
)
_NOT_SETTINGS = frozenset({"job", "transport", "account"})


@dataclass(frozen=True)
class Account:
    """One credential at one vendor, with the arguments its source is called with."""

    vendor: str
    name: str
    values: Mapping[str, Any]

    @property
    def label(self) -> str:
        """`loke`, or `loke_north` for the further account `north`: names its pipeline."""
        return self.vendor if self.name == "default" else f"{self.vendor}_{self.name}"

    def source(self, **more: Any) -> DltSource:
        """Return the vendor's dlt source for this account."""
        return factory(self.vendor)(**self.values, account=self.name, **more)


def factory(vendor: str) -> Callable[..., DltSource]:
    """Return the vendor's `@dlt.source` function."""
    found: Callable[..., DltSource] = getattr(import_module(VENDORS[vendor]), vendor)
    return found


def accounts(names: list[str]) -> list[Account]:
    """Return the configured accounts of these vendors, of all vendors if none is named.

    Raises:
        ConfigError: A named vendor does not exist or is not configured, or a setting is wrong.
    """
    for name in names:
        if name not in VENDORS:
            raise ConfigError(f"there is no vendor {name!r}; there are: {', '.join(VENDORS)}")
    found = []
    for vendor in names or list(VENDORS):
        of_vendor = _of_vendor(vendor)
        if names and not of_vendor:
            needed = ", ".join(f"sources.{vendor}.{key}" for key in SECRETS[vendor])
            raise ConfigError(
                f"{vendor} is not configured. Nothing was read. Set {needed} in "
                ".dlt/secrets.toml (see .dlt/secrets.example.toml) or the environment"
            )
        found += of_vendor
    return found


def _of_vendor(vendor: str) -> list[Account]:
    found = []
    for name in ["default", *_further(vendor)]:
        section = f"sources.{vendor}" + ("" if name == "default" else f".accounts.{name}")
        values = _values(vendor, section)
        present = [key for key in SECRETS[vendor] if values.get(key)]
        if not present and name == "default":
            continue
        missing = [key for key in SECRETS[vendor] if key not in present]
        if missing:
            raise ConfigError(
                f"{section}.{missing[0]} is missing although {section} is there. Nothing was "
                "read. Set it in .dlt/secrets.toml or the environment"
            )
        found.append(Account(vendor, name, values))
    return found


def _further(vendor: str) -> list[str]:
    """Return the names of a vendor's further accounts, from files and environment."""
    names: set[str] = set()
    for accessor in (dlt.config, dlt.secrets):
        section: Any = accessor.get(f"sources.{vendor}.accounts")
        names.update(section if isinstance(section, dict) else ())
    prefix = f"SOURCES__{vendor.upper()}__ACCOUNTS__"
    names.update(
        key.removeprefix(prefix).split("__")[0].lower()
        for key in os.environ
        if key.startswith(prefix)
    )
    return sorted(names)


def _values(vendor: str, section: str) -> dict[str, Any]:
    """Return the settings under `section` that the vendor's source takes."""
    values: dict[str, Any] = {}
    for key in inspect.signature(factory(vendor)).parameters:
        if key in _NOT_SETTINGS:
            continue
        accessor = dlt.secrets if key in _SECRET else dlt.config
        value: Any = accessor.get(f"{section}.{key}")
        if value is None or value == "":
            continue
        values[key] = _number(f"{section}.{key}", value) if key in _NUMBERS else str(value)
    return values


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise ConfigError(f"{name} is not a number of at least 0. Nothing was read. Correct it")
    return number


def number(name: str, default: float) -> float:
    """Return a numeric setting."""
    value: Any = dlt.config.get(name)
    return default if value is None or value == "" else _number(name, value)
