"""dlt's own `rest_api` source, as its documentation has it; the loader format is the argument.

`increments` as a second argument merges by key and asks only for what is new: Foodics by its
filter, LOKE newest first until what is known.
"""

import os
import sys

import dlt
from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import BaseNextUrlPaginator
from dlt.sources.rest_api import rest_api_source
from requests import Response

INCREMENTS = "increments" in sys.argv


class NextPage(BaseNextUrlPaginator):
    """LOKE's own header; dlt's header paginators know `Link` and bare cursors."""

    def update_state(self, response: Response, data: list | None = None) -> None:  # noqa: ARG002
        """Take the next address from the header."""
        self._next_reference = response.headers.get("X-Next-Page")


def loke() -> tuple[dict, dict]:
    """Return the settings for LOKE."""
    told = {key: os.environ[f"SOURCES__LOKE__{key}"] for key in ("BASE_URL", "TOKEN_URL")}
    auth = OAuth2ClientCredentials(
        access_token_url=told["TOKEN_URL"],
        client_id=os.environ["SOURCES__LOKE__CLIENT_ID"],
        client_secret=os.environ["SOURCES__LOKE__CLIENT_SECRET"],
    )
    customers = {"path": f"organizations/{os.environ['BENCH_TENANT']}/customers"}
    if INCREMENTS:
        customers["params"] = {"sort": "updated"}
        customers["incremental"] = {
            "cursor_path": "updatedAt",
            "row_order": "desc",
            "on_cursor_value_missing": "include",
        }
    client = {"base_url": told["BASE_URL"] + "/", "auth": auth, "paginator": NextPage()}
    return client, customers


def foodics() -> tuple[dict, dict]:
    """Return the settings for Foodics."""
    auth = {"type": "bearer", "token": os.environ["SOURCES__FOODICS__ACCESS_TOKEN"]}
    pages = {"type": "page_number", "base_page": 1, "total_path": "meta.last_page"}
    params = {"include": "tags,addresses,addresses.delivery_zone", "per_page": 50}
    customers = {"path": "customers", "params": params, "data_selector": "data"}
    if INCREMENTS:
        customers["incremental"] = {
            "start_param": "filter[updated_after]",
            "cursor_path": "updated_at",
            "initial_value": "2000-01-01 00:00:00",
        }
    base = os.environ["SOURCES__FOODICS__BASE_URL"] + "/"
    return {"base_url": base, "auth": auth, "paginator": pages}, customers


client, customers = {"loke": loke, "foodics": foodics}[os.environ["BENCH_VENDOR"]]()
incremental = customers.pop("incremental", None)
resource = {"name": "customers", "primary_key": "id", "endpoint": customers}
if INCREMENTS:
    resource["write_disposition"] = "merge"
    customers["incremental"] = incremental
source = rest_api_source({"client": client, "resources": [resource]})
file = os.environ["BENCH_FILE"]
pipeline = dlt.pipeline(
    "bench",
    destination=dlt.destinations.duckdb(file),
    dataset_name="raw",
    pipelines_dir=f"{file}.pipelines",
)
format_ = None if sys.argv[1] == "default" else sys.argv[1]
pipeline.run(source, loader_file_format=format_)
