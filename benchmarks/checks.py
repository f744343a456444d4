"""Whether what a contestant brought is right: a fast wrong answer is not a time."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.contestants import PEERS, REGULARS, Contestant
from benchmarks.vendors import Account

# What the vendors' documents say of a column, by its name without case and separators.
_TYPES = {
    "loke": {
        "createdat": "instant", "updatedat": "instant", "dob": "date",
        "hasagreedtomarketing": "boolean", "statisticspointsbalance": "integer",
        "statisticstotalspend": "integer", "statisticslastspentat": "instant",
    },
    "foodics": {
        "createdat": "instant", "updatedat": "instant", "lastorderat": "instant",
        "birthdate": "date", "isblacklisted": "boolean", "ordercount": "integer",
        "houseaccountbalance": "number", "loyaltybalance": "number",
    },
}  # fmt: skip
_NAMED_AT_MOST = 2
_KINDS = {
    "instant": r"TIMESTAMP.*",
    "date": r"DATE",
    "boolean": r"BOOLEAN",
    "integer": r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?)|DECIMAL.*",
    "number": r"DOUBLE|FLOAT|DECIMAL.*",
}


@dataclass(frozen=True)
class Verdict:
    """How many rows there are, and in a few words what is right or wrong about them."""

    rows: int
    words: str
    right: bool


def check_load(contestant: Contestant, file: Path, vendor: str, account: Account) -> Verdict:
    """Look at what a contestant keeps of a vendor's customers."""
    seen = _look(contestant, file, contestant.table, contestant.key)
    types = seen["types"]
    if contestant == REGULARS:
        # Core has names of its own; the log has the vendor's.
        types = _look(contestant, file, f"raw_{vendor}.customers", "id")["types"]
    wrong = _wrong_types(vendor, types)
    words = [_rows(seen, account)]
    count = len(_TYPES[vendor])
    named = f" ({', '.join(wrong)})" if 0 < len(wrong) <= _NAMED_AT_MOST else ""
    words.append(f"types {count - len(wrong)}/{count}{named}")
    return Verdict(seen["rows"], "; ".join(words), seen["digest"] == account.digest)


def check_changes(
    contestant: Contestant, file: Path, account: Account, since: str, count: int
) -> Verdict:
    """Look whether everybody is still there, and who has changed since then has."""
    condition = f"updated_at >= timestamptz '{since}+00'"
    seen = _look(contestant, file, contestant.table, contestant.key, condition)
    right = seen["met"] == count
    words = [_rows(seen, account), "all changes" if right else f"{seen['met']} of {count} changes"]
    return Verdict(seen["rows"], "; ".join(words), right and seen["digest"] == account.digest)


def _look(
    contestant: Contestant, file: Path, table: str, key: str, condition: str = "true"
) -> dict[str, Any]:
    command = [contestant.looks_with, str(PEERS / "look.py"), str(file), table, key, condition]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _rows(seen: Mapping[str, Any], account: Account) -> str:
    rows, keys = seen["rows"], seen["keys"]
    if rows == keys == account.customers:
        return "all rows" if seen["digest"] == account.digest else "other customers"
    text = f"{rows} of {account.customers} rows"
    return text + (f", {rows - keys} twice" if rows != keys else "")


def _wrong_types(vendor: str, types: Mapping[str, str]) -> list[str]:
    """Return the columns that are missing, or of another kind than the vendor documents."""
    found = {re.sub(r"[^a-z]", "", name.lower()): kind for name, kind in types.items()}
    return [
        name
        for name, kind in _TYPES[vendor].items()
        if not re.fullmatch(_KINDS[kind], found.get(name, ""))
    ]
