"""What one writes in an afternoon: every page of Foodics into one frame, the frame into DuckDB."""

import os

import duckdb
import httpx
import pandas as pd

url, rows = f"{os.environ['SOURCES__FOODICS__BASE_URL']}/customers", []
params = {"include": "tags,addresses,addresses.delivery_zone", "page": 1}
headers = {"Authorization": f"Bearer {os.environ['SOURCES__FOODICS__ACCESS_TOKEN']}"}
with httpx.Client(headers=headers) as client:
    while params["page"]:
        body = client.get(url, params=params).json()
        rows += body["data"]
        params["page"] = body["links"]["next"] and params["page"] + 1
frame = pd.json_normalize(rows)
duckdb.connect(os.environ["BENCH_FILE"]).execute("create table customers as select * from frame")
