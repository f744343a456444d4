"""What one writes in an afternoon: every page of LOKE into one frame, the frame into DuckDB."""

import os

import duckdb
import httpx
import pandas as pd

loke = {
    name[15:]: value for name, value in os.environ.items() if name.startswith("SOURCES__LOKE__")
}
with httpx.Client() as client:
    form, pair = {"grant_type": "client_credentials"}, (loke["CLIENT_ID"], loke["CLIENT_SECRET"])
    token = client.post(loke["TOKEN_URL"], data=form, auth=pair).json()["access_token"]
    url, rows = f"{loke['BASE_URL']}/organizations/{os.environ['BENCH_TENANT']}/customers", []
    while url:
        answer = client.get(url, headers={"Authorization": f"Bearer {token}"})
        rows += answer.json()
        url = answer.headers.get("x-next-page")
frame = pd.json_normalize(rows)
duckdb.connect(os.environ["BENCH_FILE"]).execute("create table customers as select * from frame")
