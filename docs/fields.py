"""Writes `docs/fields.md` from the code: `python docs/fields.py`; a test compares."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import sqlglot
from sqlglot import exp

from sources import VENDORS
from sources.records import Derived, Shape
from transforms.model import ENTITIES, staging

HERE = Path(__file__).parent
Row = tuple[str, str, str, str]


def fields() -> str:
    """Return, for every vendor, which field goes where, as Markdown."""
    parts = [
        "# Where each field goes",
        "",
        "Made from the code by `python docs/fields.py`; do not edit. For every vendor: the field",
        "as it is sent, the column of `raw_<vendor>` that keeps it, and the column of `core` it",
        "reaches, or why it reaches none. [dictionary.md](dictionary.md) has types and meanings.",
        "",
        "`a.b` is the key `b` of the object `a`; `b` in `a` is that of every entry of `a`. What is",
        "sent beside all this is kept in `_extra` of the record's row, as JSON.",
    ]
    for vendor, package in VENDORS.items():
        parts += ["", f"## {vendor}", "", "| record | field | raw column | core column |"]
        parts += ["|---|---|---|---|"]
        for shape in import_module(f"{package}.fields").SHAPES:
            parts += [f"| {' | '.join(row)} |" for row in rows(vendor, shape)]
    return "\n".join(parts) + "\n"


def rows(vendor: str, shape: Shape) -> Iterator[Row]:
    """Yield a row for each field of a record and of its children: record, field, raw, core."""
    if shape.scope:
        sent = f"the {shape.scope.removesuffix('_id')} it is read from"
        yield shape.resource, sent, f"`{shape.resource}.{shape.scope}`", _scope(vendor, shape)
    for sent, kept, core in _columns(shape):
        yield shape.resource, sent, kept, core
    for child in shape.children:
        within = ", ".join(f"`{key}`" for key in child.keys)
        kept = f"`{child.shape.resource}.{child.shape.scope}`"
        yield shape.resource, f"`{shape.key}`", kept, _scope(vendor, child.shape)
        # Where a name is all a list is, the entries are plain names without keys.
        for inner in (child.shape, child.lists) if child.lists else (child.shape,):
            for sent, kept, core in _columns(inner):
                yield shape.resource, within if child.lists else f"{sent} in {within}", kept, core


def _columns(shape: Shape) -> Iterator[tuple[str, str, str]]:
    """Yield (field, raw column, core column) of what a shape declares."""
    for each in shape.fields:
        older = f", older: `{'.'.join(each.also)}`" if each.also else ""
        sent = f"`{'.'.join(each.path)}`{older}"
        yield sent, f"`{shape.resource}.{each.column}`", _marked(each.core)
    for derived in shape.derived:
        yield _origin(derived), f"`{shape.resource}.{derived.column}`", _marked(derived.core)


def _origin(derived: Derived) -> str:
    if derived.source:
        return f"made from `{derived.source}`"
    return "made from the record" if derived.value else "made from its tenant's record"


def _scope(vendor: str, shape: Shape) -> str:
    """Return the columns of `core` the staging SQL makes of a shape's scope."""
    reached = []
    for entity in ENTITIES:
        for query in staging(vendor, entity):
            tree = sqlglot.parse_one(query, read="duckdb")
            table = tree.find(exp.Table)
            if table is not None and table.name == shape.resource:
                named = (one for one in tree.selects if one.unalias().name == shape.scope)
                reached += [f"{entity.view}.{one.alias_or_name}" for one in named]
    return _marked(", ".join(reached)) or f"none: {shape.resource} are not modelled"


def _marked(core: str) -> str:
    """Return what a declaration says of `core`, its columns marked as code."""
    if core.startswith("none"):
        return core
    parts = (part.partition(" ") for part in core.split(", "))
    return ", ".join(f"`{name}`{gap}{more}" for name, gap, more in parts if name)


if __name__ == "__main__":
    (HERE / "fields.md").write_text(fields(), "utf-8")
