"""Writes `docs/dictionary.md` from the code: `python docs/dictionary.py`; a test compares."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from sources import VENDORS, erased
from sources.records import BOOKKEEPING, Shape
from transforms.model import ENTITIES, columns, header

HERE = Path(__file__).parent


def dictionary() -> str:
    """Return the data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "",
        "Made from the code by `python docs/dictionary.py`; do not edit.",
        "Timestamps are UTC with zone; ids are text; unknown is NULL. In `raw_<vendor>`, the key a",
        "vendor sends a field under is told where it is not the column's name. Which field reaches",
        "which column of `core` is in [fields.md](fields.md).",
    ]
    for entity in ENTITIES:
        facts, said = header(f"core/{entity.view}"), columns(f"core/{entity.history}")
        now = [column for column in said if not column.name.startswith("valid_")]
        parts += _table(f"core.{entity.view}", facts, [(c.name, c.type, c.doc) for c in now])
        facts = header(f"core/{entity.history}")
        more = [column for column in said if column.name.startswith("valid_")]
        parts += _table(
            f"core.{entity.history}", facts, [(c.name, c.type, c.doc) for c in more],
            f"The columns of `core.{entity.view}`, and:",
        )  # fmt: skip
    for vendor, package in VENDORS.items():
        for shape in import_module(f"{package}.fields").SHAPES:
            parts += _raw(vendor, shape)
            for child in shape.children:
                parts += _raw(vendor, child.shape, parent=shape)
                parts += _raw(vendor, child.lists) if child.lists else []
        facts = {
            "what": "Who was erased by `regulars erase`, without saying who it was.",
            "grain": "one row per customer and time it was erased or let in again",
        }
        parts += _table(f"raw_{vendor}.{erased.TABLE}", facts, list(erased.COLUMNS))
    for name in ("runs", "scans", "published"):
        rows = [(c.name, c.type, c.doc) for c in columns(f"ops/{name}")]
        parts += _table(f"ops.{name}", header(f"ops/{name}"), rows)
    parts += [
        "", "## ops.rejects", "", "Values that could not be kept, of every vendor: `run_id`, "
        "`vendor`, `tenant_id`, `resource`, `record_id`, `field`, `reason`, `value` (as JSON; NULL "
        "unless `runs.keep_rejected_values` is true).",
    ]  # fmt: skip
    return "\n".join(parts) + "\n"


def _raw(vendor: str, shape: Shape, parent: Shape | None = None) -> list[str]:
    """Return a resource's table; `parent` is the resource whose records hold it."""
    rows = [("tenant_id", "text", "The organisation, company or business.")]
    if shape.scope:
        one = f"Id of the {shape.scope.removesuffix('_id')}"
        said = f"{one}; `id` in `{parent.resource}`." if parent else f"{one} it was read from."
        rows.append((shape.scope, "text", said))
    for each in shape.fields:
        sent = "" if each.path == (each.column,) else f" (`{'.'.join(each.path)}`)"
        rows.append((each.column, each.kind.dlt, f"{each.doc}{sent}"))
    rows += [(each.column, each.kind.dlt, each.doc) for each in shape.derived]
    rows += BOOKKEEPING
    facts = {"what": shape.doc, "grain": "one row per observation that said something new"}
    return _table(f"raw_{vendor}.{shape.resource}", facts, rows)


def _table(
    name: str, facts: dict[str, str], rows: list[tuple[str, str, str]], lead: str = ""
) -> list[str]:
    lines = ["", f"## {name}", "", facts["what"]]
    lines += [f"{fact.capitalize()}: {facts[fact]}." for fact in ("grain", "key") if fact in facts]
    lines += ["", lead] if lead else []
    lines += ["", "| column | type | meaning |", "|---|---|---|"]
    return lines + [f"| `{column}` | {kind} | {doc} |" for column, kind, doc in rows]


if __name__ == "__main__":
    (HERE / "dictionary.md").write_text(dictionary(), "utf-8")
