"""The fold alone: a log of some million rows, published once, then 10 000 changed keys at a time.

`python -m benchmarks.folding` is the process that is measured; it tells the seconds of the publish
itself, so that neither the start of Python nor the making of the log counts.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.book import Book, Entry
from benchmarks.contestants import REGULARS, Contestant, Project
from benchmarks.options import Options
from benchmarks.vendors import Account, Vendors

CHANGED = 10_000
_FOLD = Contestant("fold", (sys.executable, "-m", "benchmarks.folding"))
# As rows of the log are: every column of LOKE's customers, none of them constant by accident.
_ROWS = """
insert into raw_loke.customers by name
select 'org' tenant_id, '01J9ZK3V5QW8' || lpad(i::text, 14, '0') id,
    timestamptz '2021-01-01' + to_seconds(i * 7) created_at,
    timestamptz '2026-01-01' + to_seconds(i % 9000000) updated_at,
    date '1950-01-01' + (i % 20000)::int dob, 'guest' || i || '@example.com' email,
    'First' || i % 997 first_name, 'Last{scan} ' || i % 9973 last_name,
    if(i % 2 = 0, 'MALE', 'FEMALE') gender, i % 3 = 0 has_agreed_to_marketing,
    '+614' || lpad((i % 100000000)::text, 8, '0') phone_number,
    i % 5000 statistics_points_balance, i % 90000 statistics_total_spend,
    'guest' || i || '@example.com' _email,
    '+614' || lpad((i % 100000000)::text, 8, '0') _phone_e164, 'AUD' _currency, 'upsert' _op,
    timestamptz '2026-05-01' + to_days({scan}) + to_microseconds(i) _observed_at,
    'scan{scan}' _scan_id, '2:' || md5((i + {scan})::text) _row_hash
from (select range * {step} i from range({count}))
"""


def fold(rows: int, options: Options) -> Book:
    """Publish a log of so many rows, one for each customer; then, again and again, what changed."""
    book = Book(f"The fold alone, {rows} rows in the log", {"rows": rows, "changed": CHANGED})
    nobody = Vendors(
        {"settings": {}, "accounts": {"loke": vars(Account("org", rows, ""))}, "port": 1}
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Project(Path(folder) / "project", nobody, ["loke"])
        _grow(project, 0, rows, 1)
        book.note("first fold", _folded(project, rows))
        changed = min(CHANGED, rows)
        for number in range(options.rounds):
            _grow(project, number + 1, changed, rows // changed)
            book.note(f"{changed} changed", _folded(project, changed))
    return book


def _grow(project: Project, scan: int, count: int, step: int) -> None:
    """Append a scan of so many customers, every `step`-th, to the log."""
    import duckdb

    from sources.loke.fields import SHAPES

    with duckdb.connect(str(project.folder / "warehouse.duckdb")) as db:
        db.execute("set memory_limit = '1GB'; set preserve_insertion_order = false")
        db.execute("create schema if not exists raw_loke")
        for shape in SHAPES:
            empty = shape.schema.empty_table()
            db.register("empty", empty)
            text = f"create table if not exists raw_loke.{shape.resource} as select * from empty"
            db.execute(text)
        db.execute(_ROWS.format(scan=scan, count=count, step=step))


def _folded(project: Project, rows: int) -> Entry:
    run = project.run(_FOLD)
    told = json.loads(run.output.splitlines()[-1])
    words = "all keys" if told["keys"] == rows else f"{told['keys']} of {rows} keys"
    timed = replace(run, wall=told["wall"], cpu=told["cpu"])
    return Entry(timed, 0, rows, words, project.size(REGULARS))


def main() -> None:
    """Publish what is in the log; print how long it took."""
    from pipelines import project

    project.prepare()
    from pipelines import warehouse
    from pipelines.sync import transform

    # What dlt imports when it is first asked for a setting is of the start too.
    warehouse.place()
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = transform()
    took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**took, "keys": outcome.published.keys.get("customers", 0)}))


if __name__ == "__main__":
    main()
