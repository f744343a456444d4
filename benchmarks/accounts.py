"""Whole accounts, which only `regulars` reads: LOKE's lists with their members, and all vendors.

The limit of the lists is to fetch every member of every list: nothing tells which of them changed.
The measure of all vendors together is the slowest of them alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from benchmarks.book import Book, Entry
from benchmarks.contestants import MEMBERS, REGULARS, Project
from benchmarks.loads import turned
from benchmarks.options import Options
from benchmarks.vendors import pretended

_PAUSE_MINUTES = 20
_TOGETHER = "regulars, all four"
VENDORS = ("loke", "collins", "kounta", "foodics")


def memberships(lists: int, members: int, options: Options) -> Book:
    """Load so many lists of so many members; then let nothing, and 1 % of each list, move."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        pretended(["loke"], members * 5, lists=lists, members_per_list=members) as vendors,
    ):
        project = Project(Path(folder) / "project", vendors, ["loke"])
        facts = {"lists": lists, "members": members, "customers": members * 5}
        book = Book(f"Memberships, {lists} lists of {members} members", facts)
        vendors.asked()
        _note(book, project, "regulars, first load", lists * members, 0)
        left = 0
        for _ in range(options.rounds):
            run = project.run(MEMBERS)
            rows = int(run.output.split()[-1])
            book.note(MEMBERS.name, Entry(run, vendors.asked(), rows, "nothing kept"))
            for name, count in (("nothing moved", 0), ("1 % moved", max(1, members // 100))):
                vendors.later(_PAUSE_MINUTES)
                left += vendors.rotate(count) // 2 if count else 0
                vendors.asked()
                _note(book, project, f"regulars, {name}", lists * members, left)
    return book


def _note(book: Book, project: Project, name: str, rows: int, left: int) -> None:
    run = project.run(REGULARS)
    requests = project.vendors.asked()
    with duckdb.connect(str(project.file(REGULARS)), read_only=True) as db:
        (now,) = db.execute("select count(*) from core.memberships").fetchone() or (0,)
        (ended,) = db.execute(
            "select count(*) from core.membership_history where valid_to is not null"
        ).fetchone() or (0,)
    words = "all members" if now == rows else f"{now} of {rows} members"
    words += f", {ended} left" if ended == left else f", {ended} of {left} left"
    book.note(name, Entry(run, requests, rows, words, project.size(REGULARS)), MEMBERS.name)


def together(size: int, latency: float, options: Options) -> Book:
    """Read four vendors that take so many seconds to answer, each alone and all at once.

    Then the same again, nothing having changed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        pretended(VENDORS, size, lists=5, members_per_list=size // 10) as vendors,
    ):
        vendors.latency(latency)
        book = Book(
            f"Four vendors, each answer after {latency * 1000:.0f} ms",
            {"customers": {name: one.customers for name, one in vendors.accounts.items()}},
        )
        groups = [*((vendor,) for vendor in VENDORS), VENDORS]
        for number in range(options.rounds):
            for group in turned(groups, number):
                project = Project(Path(folder) / "project", vendors, group)
                vendors.asked()
                name = _TOGETHER if group == VENDORS else f"regulars, {group[0]} alone"
                book.note(name, _synced(project))
                vendors.later(_PAUSE_MINUTES)
                book.note(f"{name}, again", _synced(project))
    alone = [f"regulars, {vendor} alone" for vendor in VENDORS]
    for again in ("", ", again"):
        slowest = max((name + again for name in alone), key=lambda name: book.wall(name) or 0)
        book.limits[_TOGETHER + again] = slowest
        added = sum(book.wall(name + again) or 0 for name in alone)
        book.facts[f"alone, added up{again}"] = round(added, 2)
    return book


def _synced(project: Project) -> Entry:
    run = project.run(REGULARS)
    requests = project.vendors.asked()
    with duckdb.connect(str(project.file(REGULARS)), read_only=True) as db:
        query = "select vendor, count(*) from core.customers group by vendor"
        counts = dict(db.execute(query).fetchall())
    wanted = {name: project.account(name).customers for name in project.names}
    words = "all rows" if counts == wanted else f"{counts} instead of {wanted}"
    return Entry(run, requests, sum(counts.values()), words, project.size(REGULARS))
