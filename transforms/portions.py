"""How much is folded at once: keys fall into 256 buckets, and a statement takes some of them.

A warehouse that must hold every changed key at once runs out of memory at some size; with portions
a fold of ten million keys takes what one of a few hundred thousand does. Of more than two million
rows to be sorted a bucket is more than a portion ought to be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

WITH_WINDOWS, WITHOUT_WINDOWS = 20_000, 100_000
"""Rows of the log a statement takes that sorts whole rows, and one that only joins keys."""

MOST_LOOKS = 32
"""How often a very large log is looked through for the whole rows of some keys."""

MOST_ASIDE = 4
"""How often rows are kept aside, to be sorted by portions without another look."""

# To find keys costs a look through all of the log for each share, and they fit: a key is short.
_SHARE, _MOST_SHARES = 250_000, 16

Run = Callable[[str], Sequence[Sequence[Any]]]


def shares(rows: int, dialect: str) -> list[Callable[[str], str]]:
    """Return conditions on a key that part so many new rows into shares that fit."""
    count = min(_MOST_SHARES, -(-rows // _SHARE))
    if count <= 1:
        return [lambda _: "1 = 1"]
    if dialect == "duckdb":
        # Asked of every row for each share: its own hash takes a tenth of the time.
        def having(rest: int) -> Callable[[str], str]:
            return lambda key: f"hash({key}) % {count} = {rest}"

        return [having(rest) for rest in range(count)]
    edges = [f"{256 * share // count:02x}" for share in range(count)] + ["g"]

    def between(low: str, below: str) -> Callable[[str], str]:
        return lambda key: (
            f"substr(md5({key}), 1, 2) >= '{low}' and substr(md5({key}), 1, 2) < '{below}'"
        )

    return [between(low, below) for low, below in pairwise(edges)]


def portions(run: Run, changed: str, which: str, most: int, looks: int | None = None) -> list[str]:
    """Return conditions on a bucket that part these keys by about `most` rows of the log each.

    With `looks` they hold more where there would be more portions than that.
    """
    rows = run(
        f"select bucket, sum(times) from {changed} where {which} group by bucket order by bucket"
    )
    if looks:
        most = max(most, sum(count for _, count in rows) // looks)
    edges: list[tuple[str, str]] = []
    held = 0
    for bucket, count in rows:
        if edges and held + count <= most:
            edges[-1] = (edges[-1][0], bucket)
            held += count
        else:
            edges.append((bucket, bucket))
            held = count
    return [f"bucket between '{low}' and '{high}'" for low, high in edges]
