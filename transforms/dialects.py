"""Every statement in every supported warehouse's dialect: `python -m transforms.dialects`.

Parsing and transpiling is what can be checked without the warehouse; a statement that sqlglot
cannot say in a dialect, or says in a way it cannot read back, fails.
"""

from __future__ import annotations

import sys

import sqlglot
from sqlglot.errors import SqlglotError

from transforms.fold import narrowed, staged, statement, touched
from transforms.model import ENTITIES, HERE, sql, staging, vendors
from transforms.publish import conditions, rejects_view

DIALECTS = ("duckdb", "postgres", "snowflake", "bigquery", "redshift", "databricks")


def statements() -> dict[str, str]:
    """Return every statement a publish may run, by name, its placeholders filled."""
    found: dict[str, str] = {"rejects": rejects_view(["raw_loke.rejects"])}
    for folder in ("core", "ops"):
        found |= {
            f"{folder}/{p.stem}": sql(f"{folder}/{p.stem}") for p in (HERE / folder).glob("*.sql")
        }
    for path in (HERE / "checks").glob("*.sql"):
        for some in ("1 = 1", None):
            names = [conditions(entity, "loke", some) for entity in ENTITIES]
            merged = {key: text for each in names for key, text in each.items()}
            said = sql(f"checks/{path.stem}").format(**merged)
            found[f"checks/{path.stem}{'/whole' if some is None else ''}"] = said
    for entity in ENTITIES:
        queries = [query for vendor in vendors() for query in staging(vendor, entity)]
        facts = {
            "staged": staged(queries),
            "touched": touched(queries, entity, f"part_{entity.view}"),
            "scans": "'s'",
            "open_scans": "''",
            "part": f"part_{entity.view}",
            "entries": narrowed(queries, *entity.key, "scan_id"),
            "news": f"news_{entity.view}",
            "within": "1 = 1",
        }
        for name in ("news", "changed", "ended", "first", "once", "look", "often"):
            found[f"fold/{name}/{entity.view}"] = statement(name, entity, **facts)
    return found


def problems() -> list[str]:
    """Return a line for each statement a dialect cannot say."""
    lines = []
    for name, text in sorted(statements().items()):
        for dialect in DIALECTS:
            try:
                said = sqlglot.transpile(
                    text, read="duckdb", write=dialect,
                    unsupported_level=sqlglot.ErrorLevel.RAISE,
                )  # fmt: skip
                sqlglot.parse_one(said[0], read=dialect)
            except SqlglotError as error:
                lines.append(f"{name} in {dialect}: {str(error).splitlines()[0]}")
    return lines


def main() -> int:
    """Print the problems; return 1 if there are any."""
    try:
        found = problems()
    except ValueError as error:
        # A staging query that does not fit cannot even be said.
        sys.stderr.write(f"{error}\n")
        return 1
    for line in found:
        sys.stderr.write(line + "\n")
    sys.stdout.write(f"{len(statements())} statements in {len(DIALECTS)} dialects\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
