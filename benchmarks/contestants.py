"""What is measured, each a whole process: `python -m benchmarks.contestants NAME`.

The vendor's address and credential come in the environment, in the product's own spelling. Each
prints how many customers it has brought.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

FILE = "BENCH_FILE"


def _settings() -> dict[str, str]:
    names = ("base_url", "token_url", "client_id", "client_secret")
    return {name: os.environ[f"SOURCES__LOKE__{name.upper()}"] for name in names}


def _pages() -> Iterator[list[dict[str, Any]]]:
    """Fetch and parse every page of customers of every organisation, and nothing else."""
    import httpx
    import orjson

    s = _settings()
    with httpx.Client() as client:
        form = {"grant_type": "client_credentials"}
        pair = (s["client_id"], s["client_secret"])
        token = client.post(s["token_url"], data=form, auth=pair).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        for organization in client.get(f"{s['base_url']}/organizations").json():
            url = f"{s['base_url']}/organizations/{organization['id']}/customers?sort=created"
            while url:
                answer = client.get(url)
                yield orjson.loads(answer.content)
                url = answer.headers.get("x-next-page", "")


def limit() -> int:
    """The least there is to do: httpx and orjson fetch and parse the pages."""
    return sum(len(page) for page in _pages())


def script() -> int:
    """What one writes in an afternoon: all rows in memory, pandas-free, one insert."""
    import duckdb
    import pyarrow as pa

    rows = [record for page in _pages() for record in page]
    table = pa.Table.from_pylist(rows)
    with duckdb.connect(os.environ[FILE]) as db:
        db.register("rows", table)
        db.execute("create table customers as select * from rows")
    return len(rows)


def dlt_rest() -> int:
    """Plain dlt with parquet: a resource of the same pages, types inferred, no diff, no history."""
    import dlt
    import duckdb

    pages = dlt.resource(_pages, name="customers", write_disposition="append")
    file = os.environ[FILE]
    pipeline = dlt.pipeline(
        "bench_dlt",
        destination=dlt.destinations.duckdb(file),
        dataset_name="raw",
        pipelines_dir=f"{file}.pipelines",
    )
    pipeline.run(pages, loader_file_format="parquet")
    with duckdb.connect(file) as db:
        row = db.execute("select count(*) from raw.customers").fetchone()
    return int(row[0]) if row else 0


CONTESTANTS: dict[str, Callable[[], int]] = {"limit": limit, "script": script, "dlt": dlt_rest}


if __name__ == "__main__":
    print(CONTESTANTS[sys.argv[1]]())
