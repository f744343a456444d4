"""Writing the history of every key that new scans say something about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transforms.fold import literals, narrowed, staged, statement, touched
from transforms.model import Entity
from transforms.portions import (
    MOST_ASIDE,
    MOST_LOOKS,
    WITH_WINDOWS,
    WITHOUT_WINDOWS,
    Run,
    portions,
    shares,
)

_FEW = 50_000


def note(run: Run, entity: Entity, log_rows: Mapping[str, int]) -> None:
    """Note that so many rows of each of these scans are folded; none of a scan that has no more."""
    scans = literals(list(log_rows))
    run(f"delete from ops.published where entity = '{entity.view}' and scan_id in ({scans})")
    rows = [(scan, count) for scan, count in log_rows.items() if count]
    if rows:
        values = ", ".join(f"('{entity.view}', '{scan}', {count})" for scan, count in rows)
        run(f"insert into ops.published values {values}")


@dataclass(frozen=True)
class Fold:
    """One entity's fold of some scans.

    Attributes:
        run: Runs a statement.
        dialect: The warehouse's, as sqlglot names it.
        queries: The staging queries of the logs there are.
        news: The scans, with how many rows the log holds of each.
        open_scans: Scans whose rows are not to be shown yet.
    """

    run: Run
    dialect: str
    entity: Entity
    queries: Sequence[str]
    news: Mapping[str, int]
    open_scans: Sequence[str]

    @property
    def _changed(self) -> str:
        return f"changed_{self.entity.view}"

    def _say(self, name: str, **facts: str) -> str:
        scans, open_scans = literals(list(self.news)), literals(self.open_scans)
        facts = {"staged": staged(self.queries), **facts}
        return statement(name, self.entity, scans=scans, open_scans=open_scans, **facts)

    def write(self, *, all_new: bool) -> tuple[int, bool]:
        """Write the histories; return of how many keys, and whether each is new, with one row.

        `all_new` tells that the log holds nothing else.
        """
        entity, rows = self.entity, sum(self.news.values())
        self._read_side_by_side(few=rows <= _FEW)
        self._find_changed(rows, all_new=all_new)
        self.run(self._say("ended"))
        keys = self._count(self._changed)
        self._read_side_by_side(few=False)
        whole = all_new and keys == rows
        if whole:
            self.run(self._say("first", within="1 = 1"))
        else:
            self._write_once()
            self._write("often", "times > 1", most=WITH_WINDOWS)
        # The checks look for the same keys.
        self._read_side_by_side(few=rows <= _FEW)
        note(self.run, entity, self.news)
        return keys, whole

    def _read_side_by_side(self, *, few: bool) -> None:
        """Give DuckDB all threads to find a few keys in a large log, one to take whole rows.

        Each thread that takes whole rows has memory of its own for every column; one that reads
        keys takes next to none.
        """
        if self.dialect == "duckdb":
            self.run("reset threads" if few else "set threads = 1")

    def _write_once(self) -> None:
        """Write the histories of keys the log holds one row of, which a new scan brought.

        Where they are very many beside few others, all rows of the new scans are taken but those of
        the others: these fit into memory at once.
        """
        others = self._count(self._changed, "times > 1")
        if others > WITHOUT_WINDOWS or self._count(self._changed) - others <= WITHOUT_WINDOWS:
            self._write("once", "times = 1")
            return
        key = ", ".join(self.entity.key)
        within = (
            f"scan_id in ({literals(list(self.news))}) "
            f"and ({key}) not in (select {key} from {self._changed} where times > 1)"
        )
        self.run(self._say("first", within=within))

    def _write(self, name: str, which: str, *, most: int | None = None) -> None:
        """Write the histories of some of the changed keys, a portion of the log at a time.

        Where a look through the log brings more than `most` rows, what it brings is kept aside, and
        as many are written at a time; not of very many rows, since DuckDB gives the room of a
        temporary table back when the publish ends.
        """
        look = f"look_{self.entity.view}"
        wides = portions(self.run, self._changed, which, WITHOUT_WINDOWS, MOST_LOOKS)
        if most and len(wides) > MOST_ASIDE:
            wides, most = portions(self.run, self._changed, which, most), None
        for wide in wides:
            part = self._take(f"{which} and {wide}")
            rows = touched(self.queries, self.entity, part)
            narrow = portions(self.run, self._changed, f"{which} and {wide}", most) if most else []
            if len(narrow) <= 1:
                self.run(self._say(name, part=part, touched=rows))
                continue
            self.run(self._say("look", part=part, touched=rows))
            for some in narrow:
                self.run(self._say(name, part=self._take(f"{which} and {some}"), touched=look))
            self.run(f"drop table {look}")

    def _take(self, which: str) -> str:
        """Put some of the changed keys into a table: an engine then knows how few they are."""
        part = f"part_{self.entity.view}"
        self._make(part)
        keys = ", ".join(self.entity.key)
        self.run(f"insert into {part} select {keys} from {self._changed} where {which}")
        return part

    def _make(self, table: str, more: str = "") -> None:
        """Make a table of keys anew."""
        key = ", ".join(f"{column} text" for column in self.entity.key)
        self.run(f"drop table if exists {table}")
        self.run(f"create temporary table {table} ({key}{more})")

    def _count(self, table: str, which: str = "1 = 1") -> int:
        return int(self.run(f"select count(*) from {table} where {which}")[0][0])

    def _find_changed(self, rows: int, *, all_new: bool) -> None:
        """Put the keys these rows speak of into a table, with how much the log holds of each."""
        spread, news = self.entity.spread, f"news_{self.entity.view}"
        self._make(news)
        self._make(self._changed, ", times bigint, bucket text")
        parts = shares(rows, self.dialect)
        told = narrowed(self.queries, *self.entity.key, "scan_id")
        # An engine then knows how few they are before it looks through the whole log.
        for part in parts:
            some = self._say("news", staged=told, within=part(f"news.{spread}"))
            self.run(f"insert into {news} {some}")
        if all_new and self._count(news) == rows:
            # Of each there is the one row, and no need to look.
            self.run(f"insert into {self._changed} select *, 1, '00' from {news}")
            return
        log = touched(self.queries, self.entity, news) if len(parts) == 1 else told
        for part in parts:
            some = f"(select * from {news} as news where {part(f'news.{spread}')})"
            within = part(f"entry.{spread}")
            self.run(self._say("changed", news=some, entries=log, within=within))
