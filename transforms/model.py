"""The tables of `core` as the SQL files declare them, and the SQL files themselves.

A table's columns, types and descriptions are written once, in its SQL file; this module reads
them from there.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_COLUMN = re.compile(r"^    (\w+) ([\w(), ]+?)( not null)?,? -- (.*)$", re.MULTILINE)
_OURS = ("first_seen_at", "changed_at", "valid_from", "valid_to")


@dataclass(frozen=True)
class Column:
    """A declared column: its name, SQL type in DuckDB's words, and what it means."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True)
class Entity:
    """A thing core keeps the history of: `view` is what is true now, `history` all versions."""

    view: str
    history: str
    key: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that come from staging."""
        return tuple(c.name for c in columns(f"core/{self.history}") if c.name not in _OURS)

    @property
    def spread(self) -> str:
        """The column of the key that has most values: what a fold takes portions by."""
        return "customer_id" if "customer_id" in self.key else self.key[-1]

    @property
    def ours(self) -> tuple[str, ...]:
        """The columns the fold adds."""
        return tuple(c.name for c in columns(f"core/{self.history}") if c.name in _OURS)


ENTITIES = (
    Entity("customers", "customer_history", ("vendor", "tenant_id", "customer_id")),
    Entity("lists", "list_history", ("vendor", "tenant_id", "list_kind", "list_id")),
    Entity(
        "memberships",
        "membership_history",
        ("vendor", "tenant_id", "list_kind", "list_id", "customer_id"),
    ),
    Entity(
        "customer_addresses",
        "customer_address_history",
        ("vendor", "tenant_id", "customer_id", "address_id"),
    ),
)


@cache
def sql(name: str) -> str:
    """Return the text of `<name>.sql` below this folder."""
    return (HERE / f"{name}.sql").read_text("utf-8").strip()


def columns(name: str) -> tuple[Column, ...]:
    """Return the columns a `create table` file declares, in order."""
    return tuple(Column(m[1], m[2], m[4]) for m in _COLUMN.finditer(sql(name)))


def header(name: str) -> dict[str, str]:
    """Return the grain and key a file's opening comment states, and its first line as `what`."""
    lines = [line[3:] for line in sql(name).splitlines() if line.startswith("-- ")]
    facts = {"what": lines[0].split(": ", 1)[-1]}
    facts |= dict(
        line.split(": ", 1) for line in lines[1:] if line.startswith(("grain: ", "key: "))
    )
    return facts


def vendors() -> tuple[str, ...]:
    """Return the vendors that have staging SQL."""
    return tuple(sorted(path.name for path in (HERE / "staging").iterdir() if path.is_dir()))


def staging(vendor: str, entity: Entity) -> tuple[str, ...]:
    """Return the queries that give this vendor's logs the shape of `entity`.

    One for each file: `<view>.sql`, or `<view>_by_<what>.sql` where several tables feed one.
    """
    folder = HERE / "staging" / vendor
    paths = [folder / f"{entity.view}.sql", *sorted(folder.glob(f"{entity.view}_by_*.sql"))]
    return tuple(sql(f"staging/{vendor}/{path.stem}") for path in paths if path.exists())


@cache
def fingerprint() -> str:
    """Return a hash of all SQL that decides what core holds; another one asks for a rebuild."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in ("core", "fold", "staging"):
        for path in sorted((HERE / folder).rglob("*.sql")):
            digest.update(path.relative_to(HERE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
