"""Settings from dlt's own configuration: which accounts there are, and how each is read."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import dlt
from dlt.extract import DltSource

from sources import VENDORS
from sources.errors import ConfigError

_SECRET = frozenset({"client_id", "client_secret", "access_token", "refresh_token"})
_NUMBERS = (
    "requests_per_minute",
    "max_wait_seconds",
    "full_scan_every_hours",
    "lag_minutes",
    "detail_max_age_days",
)
_OWN = frozenset({"tenant_id", "refresh_token"})
_ADDRESS = re.compile(r"https?://[^/\s]+\S*")
_LARGEST = 1e7
_NOT_SETTINGS = frozenset({"job", "transport", "account"})
HOW_TO_CONFIGURE = (
    "Set the credentials of at least one in .dlt/secrets.toml (see .dlt/secrets.example.toml), "
    "or try `regulars demo`"
)


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


def accounts(names: Sequence[str] = ()) -> list[Account]:
    """Return the configured accounts of these vendors, of all of them when none is named.

    Raises:
        ConfigError: A named vendor does not exist or is not configured, or a setting is wrong.
    """
    found, errors = configured(names)
    if errors:
        raise errors[0]
    return found


def configured(names: Sequence[str] = ()) -> tuple[list[Account], list[ConfigError]]:
    """Return the accounts that can be read, and an error for each that is half configured.

    Raises:
        ConfigError: A named vendor does not exist or is not configured.
    """
    for name in names:
        check_vendor(name)
    found, errors = list[Account](), list[ConfigError]()
    for vendor in dict.fromkeys(names or VENDORS):
        some = 0
        for name in ["default", *_further(vendor)]:
            try:
                account = _account(vendor, name)
            except ConfigError as error:
                errors.append(error)
                some += 1
                continue
            if account is not None:
                found.append(account)
                some += 1
        if names and not some:
            needed = ", ".join(f"sources.{vendor}.{key}" for key in secrets(vendor))
            raise ConfigError(
                f"{vendor} is not configured. Nothing was read. Set {needed} in "
                ".dlt/secrets.toml (see .dlt/secrets.example.toml) or the environment"
            )
    return found, errors


def check_vendor(name: str) -> None:
    """Raise ConfigError where there is no such vendor."""
    if name not in VENDORS:
        raise ConfigError(f"there is no vendor {name!r}; there are: {', '.join(VENDORS)}")


def secrets(vendor: str) -> tuple[str, ...]:
    """Return what makes a vendor configured: the arguments its source cannot do without."""
    return tuple(
        name
        for name, parameter in inspect.signature(factory(vendor)).parameters.items()
        if parameter.default in (dlt.secrets.value, dlt.config.value)
    )


def _account(vendor: str, name: str) -> Account | None:
    """Return one account, None where nothing of the default one is configured."""
    section = f"sources.{vendor}" + ("" if name == "default" else f".accounts.{name}")
    values = _values(vendor, section)
    needed = secrets(vendor)
    present = [key for key in needed if values.get(key)]
    if not present and name == "default":
        return None
    missing = [key for key in needed if key not in present]
    if missing:
        raise ConfigError(
            f"{section}.{missing[0]} is missing although {section} is there. Nothing of this "
            "account was read. Set it in .dlt/secrets.toml or the environment"
        )
    return Account(vendor, name, values)


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
    general, needed = f"sources.{vendor}", secrets(vendor)
    for key in inspect.signature(factory(vendor)).parameters:
        if key in _NOT_SETTINGS:
            continue
        accessor = dlt.secrets if key in _SECRET else dlt.config
        value: Any = accessor.get(f"{section}.{key}")
        if (value is None or value == "") and key not in needed and section != general:
            # A further account is like the first but for what makes it another.
            value = accessor.get(f"{general}.{key}") if key not in _OWN else None
        if value is None or value == "":
            continue
        values[key] = _checked(f"{section}.{key}", key, value)
    return values


def _checked(name: str, key: str, value: object) -> Any:
    """Return a setting as its source takes it."""
    if key in _NUMBERS:
        return _number(name, value)
    if key.endswith("_url") and not _ADDRESS.fullmatch(str(value)):
        raise ConfigError(f"{name} is not an http(s) address. Nothing was read. Correct it")
    return str(value)


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number <= _LARGEST:
        raise ConfigError(
            f"{name} is not a number from 0 to {_LARGEST:.0f}. Nothing was read. Correct it"
        )
    return number


def number(name: str, default: float) -> float:
    """Return a numeric setting."""
    value: Any = dlt.config.get(name)
    return default if value is None or value == "" else _number(name, value)


def flag(name: str) -> bool:
    """Return a setting that is true or false; false where it is not set."""
    value = str(dlt.config.get(name) or "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise ConfigError(f"{name} is neither true nor false. Nothing was read. Correct it")
    return value in ("true", "1")
