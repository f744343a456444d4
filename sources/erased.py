"""Customers who were erased: known by a salted hash of their ids, so that no scan lands them again.

What is erased and what is let in again is a log of its own, `raw_<vendor>.erasures`. It holds no
id: who reads it learns that somebody was erased, and whether it was somebody whose id they know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from sources.convert import Kind

TABLE = "erasures"
COLUMNS = (
    ("tenant_id", "text", "The organisation, company or business."),
    ("salt", "text", "What the hash was made with."),
    ("customer_hash", "text", "A keyed hash of the customer's id."),
    ("_op", "text", "`upsert`: is left out by every scan; `delete`: is let in again."),
    ("_observed_at", "timestamp", "When it was asked for, UTC."),
)
SCHEMA = pa.schema(
    [
        pa.field(name, Kind.TIMESTAMP.arrow if kind == "timestamp" else pa.string(), nullable=False)
        for name, kind, _ in COLUMNS
    ]
)


def customer_hash(salt: str, tenant_id: str, customer_id: str) -> str:
    """Return what a customer is known by once it is erased."""
    text = f"{tenant_id}\x1f{customer_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, key=salt.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Erased:
    """Who of a tenant was erased; `hashes` by the salt they were made with."""

    tenant_id: str
    hashes: Mapping[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, tenant_id: str, pairs: Iterable[tuple[str, str]]) -> Erased:
        """Return those of these (salt, hash)."""
        hashes: dict[str, set[str]] = {}
        for salt, mark in pairs:
            hashes.setdefault(salt, set()).add(mark)
        return cls(tenant_id, hashes)

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def __contains__(self, customer_id: object) -> bool:
        return any(
            customer_hash(salt, self.tenant_id, str(customer_id)) in marks
            for salt, marks in self.hashes.items()
        )
