"""Customers of one vendor: the first load by everybody, then what an increment costs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from benchmarks.book import Book, Entry
from benchmarks.checks import check_changes, check_load
from benchmarks.contestants import (
    FETCH,
    MERGE,
    REGULARS,
    Contestant,
    Project,
    for_first_load,
    present,
)
from benchmarks.measure import Failed
from benchmarks.options import Options
from benchmarks.vendors import Vendors, pretended

Thing = TypeVar("Thing")
# Beyond the lag of a sync, so that a run reads what changed since the last one and nothing older.
_PAUSE_MINUTES = 20
_SHARES = (0.0, 0.01, 0.1)


def turned(things: Sequence[Thing], by: int) -> list[Thing]:
    """Return things in an order that begins with another one each round."""
    start = by % len(things) if things else 0
    return [*things[start:], *things[:start]]


def first_load(vendor: str, size: int, options: Options) -> Book:
    """Let everybody load an account into a fresh file."""
    contestants, left_out = present(for_first_load(vendor), options.only)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        pretended([vendor], size, lists=0, members_per_list=0) as vendors,
    ):
        project = Project(Path(folder) / "project", vendors, [vendor])
        count = project.account(vendor).customers
        book = Book(f"First load, {count} customers of {vendor}", {"customers": count}, left_out)
        for number in range(options.rounds):
            for one in turned(contestants, number):
                project.fresh()
                vendors.asked()
                try:
                    book.note(one.name, _loaded(one, project, vendor), FETCH.name)
                except Failed as error:
                    # One that breaks down is told of, and costs the others nothing.
                    book.left_out.append(f"{one.name} failed: {str(error).splitlines()[-1][:200]}")
                    print(error, flush=True)
                    contestants.remove(one)
    return book


def _loaded(contestant: Contestant, project: Project, vendor: str) -> Entry:
    run = project.run(contestant)
    requests = project.vendors.asked()
    if not contestant.table:
        rows = int(run.output.split()[-1])
        whole = rows == project.account(vendor).customers
        return Entry(run, requests, rows, "nothing kept" if whole else "rows are missing")
    account = project.account(vendor)
    verdict = check_load(contestant, project.file(contestant), vendor, account)
    return Entry(run, requests, verdict.rows, verdict.words, project.size(contestant))


def increments(vendor: str, size: int, options: Options) -> Book:
    """Let nothing, 1 % and 10 % change, and those who can take an increment take it.

    What a script, PyAirbyte's manifest or the Singer tap would need is the first load again.
    """
    contestants, left_out = present([REGULARS, MERGE], options.only)
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        pretended([vendor], size, lists=0, members_per_list=0) as vendors,
    ):
        projects = {
            one: Project(Path(folder) / str(place), vendors, [vendor])
            for place, one in enumerate(contestants)
        }
        count = vendors.accounts[vendor].customers
        book = Book(f"Increments, {count} customers of {vendor}", {"customers": count}, left_out)
        for one, project in projects.items():
            project.run(one)
        limits = Project(Path(folder) / "limits", vendors, [vendor])
        for number in range(options.rounds):
            for share in _SHARES:
                since = _change(vendors, vendor, round(count * share))
                _limit(book, limits, share, since, round(count * share))
                for one in turned(contestants, number):
                    changed = (since, round(count * share))
                    _increment(book, one, projects[one], vendor, share, changed)
                # What many share as their last change is read again until somebody changes later.
                _change(vendors, vendor, 1)
                for one in contestants:
                    projects[one].run(one)
    return book


def _change(vendors: Vendors, vendor: str, count: int) -> str:
    """Let so many customers change, and return a moment between the last change and these."""
    since = vendors.later(_PAUSE_MINUTES)
    vendors.later(1)
    if count:
        vendors.touch(vendor, count)
    vendors.asked()
    return since


def _limit(book: Book, project: Project, share: float, since: str, rows: int) -> None:
    run = project.run(FETCH, BENCH_SINCE=since)
    entry = Entry(run, project.vendors.asked(), rows, "nothing kept")
    book.note(f"{FETCH.name}, {share:.0%}", entry)


def _increment(
    book: Book,
    contestant: Contestant,
    project: Project,
    vendor: str,
    share: float,
    changed: tuple[str, int],
) -> None:
    run = project.run(contestant)
    requests = project.vendors.asked()
    file = project.file(contestant)
    verdict = check_changes(contestant, file, project.account(vendor), *changed)
    entry = Entry(run, requests, changed[1], verdict.words, project.size(contestant))
    book.note(f"{contestant.name}, {share:.0%}", entry, f"{FETCH.name}, {share:.0%}")
