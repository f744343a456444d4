"""The fold as SQL text: templates filled with one entity's names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from transforms.model import Entity, sql


def literals(values: Sequence[str]) -> str:
    """Return values as a SQL list that is never empty."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values))
    return quoted or "''"


def staged(queries: Sequence[str]) -> str:
    """Return one relation over the staging queries of several vendors."""
    return "(" + " union all ".join(queries) + ")"


def few(column: str, entity: Entity, keys: str, which: str | None = None) -> str:
    """Return a condition on a column, that it holds the `spread` of one of some keys.

    DuckDB makes a filter of the keys, and reads the other columns of those rows alone that pass
    it, where the condition is of one column and the keys are themselves chosen by a condition.
    """
    which = which or f"{entity.spread} >= ''"
    return f"{column} in (select {entity.spread} from {keys} where {which})"


def among(entity: Entity, keys: str, which: str | None = None) -> str:
    """Return a condition, that a row is of one of some keys."""
    key, where = ", ".join(entity.key), f" where {which}" if which else ""
    exactly = f"({key}) in (select {key} from {keys}{where})"
    return f"{few(entity.spread, entity, keys, which)} and {exactly}"


def touched(queries: Sequence[str], entity: Entity, keys: str) -> str:
    """Return `staged` for those rows of the log alone that may be of one of these keys.

    `keys` is a relation that has the entity's `spread`.

    Engines work out all that staging says of a row before they join: of a large log, for millions
    of rows of which a few are wanted. So the log itself is asked, by the column of its own that
    becomes the entity's `spread`.
    """
    parts = []
    for query in queries:
        head, source = _halves(query)
        spread = _said(head, entity.spread)
        if not re.fullmatch(r"\w+", spread):
            raise ValueError(f"staging has no column of a log as {entity.spread}: {head}")
        wanted = few(spread, entity, keys)
        parts.append(f"{head}\nfrom (select * from {source} where {wanted}) as told")
    return staged(parts)


def narrowed(queries: Sequence[str], *names: str) -> str:
    """Return `staged` with these columns alone.

    An engine need not see by itself that it may leave the others out: DuckDB does not, where one
    is compared with a list of words.
    """
    parts = []
    for query in queries:
        head, source = _halves(query)
        said = ", ".join(f"{_said(head, name)} as {name}" for name in names)
        parts.append(f"select {said} from {source}")
    return staged(parts)


def _halves(query: str) -> tuple[str, str]:
    """Return what a staging query says of a log's rows, and the log."""
    head, source = query.rsplit("\nfrom ", 1)
    if not re.fullmatch(r"\w+\.\w+", source):
        raise ValueError(f"staging is of one log, and of all of it: {query}")
    return head, source


def _said(head: str, column: str) -> str:
    """Return what a staging query says a column is, on a line of its own."""
    found = re.search(rf"^    (?:(\S.*) as )?{column},?$", head, re.MULTILINE)
    if found is None:
        raise ValueError(f"staging has no line for {column}: {head}")
    return found[1] or column


def statement(name: str, entity: Entity, **facts: str) -> str:
    """Return `fold/<name>.sql` for one entity; `facts` are `staged`, `scans` and the like."""

    def same(one: str, other: str) -> str:
        return " and ".join(f"{one}.{column} = {other}.{column}" for column in entity.key)

    values = [column for column in entity.columns if column not in entity.key]
    first = {
        "first_seen_at": "observed_at",
        "changed_at": "observed_at",
        "valid_from": "observed_at",
    }
    names = {
        "entity": entity.view,
        "history": entity.history,
        "key": ", ".join(entity.key),
        "last_key": entity.spread,
        "entry_key": ", ".join(f"entry.{column}" for column in entity.key),
        "columns": ", ".join(entity.columns),
        "ours": ", ".join(entity.ours),
        "ours_once": ", ".join(first.get(column, "null") for column in entity.ours),
        "ours_often": ", ".join(
            {**first, "first_seen_at": "begins_at", "valid_to": "ends_at"}[column]
            for column in entity.ours
        ),
        "news_is_entry": same("news", "entry"),
        "changed_is_entry": same("changed", "entry"),
        "changed_is_history": same("changed", entity.history),
        "earlier_is_current": same("earlier", "current_row"),
        "differs": " or ".join(
            f"current_row.{column} is distinct from earlier.{column}" for column in values
        ),
    }
    return sql(f"fold/{name}").format(**names, **facts)
