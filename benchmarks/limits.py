"""The limit: what anyone must do at least, `python -m benchmarks.limits NAME`.

`fetch` asks for the pages and parses them; `insert` also makes one Arrow table of them and inserts
it into DuckDB; `members` fetches the members of every list. With BENCH_SINCE only pages that hold
what has changed since are fetched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson

Rows = list[dict[str, Any]]
_INCLUDE = "tags,addresses,addresses.delivery_zone"


def _loke(client: httpx.Client) -> str:
    """Sign in; return the address of the organisation."""
    names = ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET", "BASE_URL")
    token_url, client_id, secret, base = (os.environ[f"SOURCES__LOKE__{name}"] for name in names)
    form = {"grant_type": "client_credentials"}
    answer = client.post(token_url, data=form, auth=(client_id, secret)).json()
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"
    return f"{base}/organizations/{os.environ['BENCH_TENANT']}"


def _linked(client: httpx.Client, url: str) -> Iterator[Rows]:
    """Yield the pages that lead from one to the next."""
    while url:
        answer = client.get(url)
        yield orjson.loads(answer.content)
        url = answer.headers.get("x-next-page", "")


def loke(client: httpx.Client, since: str) -> Iterator[Rows]:
    """Yield every page of customers, or, newest first, those that hold what changed."""
    sort = "updated" if since else "created"
    for page in _linked(client, f"{_loke(client)}/customers?sort={sort}"):
        yield page
        if since and page[-1].get("updatedAt", "") < since:
            return


def members(client: httpx.Client, _: str) -> Iterator[Rows]:
    """Yield every page of every list: nothing tells which list changed."""
    organization = _loke(client)
    for page in _linked(client, f"{organization}/customer-lists"):
        for one in page:
            yield from _linked(client, f"{organization}/customer-lists/{one['id']}/members")


def foodics(client: httpx.Client, since: str) -> Iterator[Rows]:
    """Yield every page of customers, or of those that changed."""
    client.headers["Authorization"] = f"Bearer {os.environ['SOURCES__FOODICS__ACCESS_TOKEN']}"
    params: dict[str, Any] = {"include": _INCLUDE, "per_page": 50, "page": 1}
    params |= {"filter[updated_after]": since.replace("T", " ")} if since else {}
    while params:
        answer = client.get(f"{os.environ['SOURCES__FOODICS__BASE_URL']}/customers", params=params)
        body = orjson.loads(answer.content)
        yield body["data"]
        params = {**params, "page": params["page"] + 1} if body["links"]["next"] else {}


def fetch(pages: Iterator[Rows]) -> int:
    """Return how many rows came."""
    return sum(map(len, pages))


def insert(pages: Iterator[Rows]) -> int:
    """Keep all rows in memory and insert them at once, types as Arrow infers them."""
    import duckdb
    import pyarrow as pa

    rows = [row for page in pages for row in page]
    table = pa.Table.from_pylist(rows)
    with duckdb.connect(os.environ["BENCH_FILE"]) as db:
        db.register("fetched", table)
        db.execute("create table customers as select * from fetched")
    return len(rows)


def main() -> None:
    """Read the account of BENCH_VENDOR; print how many rows came."""
    what = sys.argv[1]
    reads = {"loke": loke, "foodics": foodics}
    read = members if what == "members" else reads[os.environ["BENCH_VENDOR"]]
    take: Callable[[Iterator[Rows]], int] = insert if what == "insert" else fetch
    with httpx.Client() as client:
        print(take(read(client, os.environ.get("BENCH_SINCE", ""))))


if __name__ == "__main__":
    main()
