"""Singer: write what tap-rest-api-msdk and target-duckdb are told, then become `tap | target`.

Arguments are the folders of their two environments. The schema is the Airbyte manifest's, flat as
the tap makes its records: guessed from the first fifty, columns that come later would be lost.
"""

import json
import os
import shlex
import sys
from pathlib import Path

import yaml

ENV = os.environ
VENDOR = ENV["BENCH_VENDOR"]


def flat(properties: dict, above: str = "") -> dict:
    """Return properties by their path, as the tap names them; lists become text."""
    found = {}
    for name, facts in properties.items():
        if "properties" in facts:
            found |= flat(facts["properties"], f"{above}{name}_")
        else:
            text = {"type": ["null", "string"]}
            found[above + name] = text if "array" in facts["type"] else facts
    return found


def loke() -> dict:
    """Return the tap's settings for LOKE, whose next address is a header."""
    base = ENV["SOURCES__LOKE__BASE_URL"]
    host = base.removesuffix("/loke")
    path = f"{base.removeprefix(host)}/organizations/{ENV['BENCH_TENANT']}/customers"
    return {
        "api_url": host,
        "auth_method": "oauth",
        "grant_type": "client_credentials",
        "access_token_url": ENV["SOURCES__LOKE__TOKEN_URL"],
        "client_id": ENV["SOURCES__LOKE__CLIENT_ID"],
        "client_secret": ENV["SOURCES__LOKE__CLIENT_SECRET"],
        "pagination_request_style": "simple_header_paginator",
        "pagination_response_style": "hateoas_body",
        "streams": [{"name": "customers", "path": path, "primary_keys": ["id"]}],
    }


def foodics() -> dict:
    """Return the tap's settings for Foodics, whose pages have numbers."""
    params = {"include": "tags,addresses,addresses.delivery_zone", "per_page": 50}
    stream = {"name": "customers", "path": "/customers", "primary_keys": ["id"], "params": params}
    return {
        "api_url": ENV["SOURCES__FOODICS__BASE_URL"],
        "auth_method": "bearer_token",
        "bearer_token": ENV["SOURCES__FOODICS__ACCESS_TOKEN"],
        "pagination_request_style": "page_number_paginator",
        "pagination_response_style": "page",
        "next_page_token_path": "$.links.next",
        "streams": [{**stream, "records_path": "$.data[*]"}],
    }


file = Path(ENV["BENCH_FILE"])
tap = {"loke": loke, "foodics": foodics}[VENDOR]()
manifest = yaml.safe_load(Path(__file__).with_name(f"{VENDOR}.yaml").read_text())
declared = manifest["streams"][0]["schema_loader"]["schema"]["properties"]
tap["streams"][0]["schema"] = {"type": "object", "properties": flat(declared)}
target = {"path": str(file), "default_target_schema": "raw"}
for name, config in (("tap", tap), ("target", target)):
    file.with_name(f"{name}.json").write_text(json.dumps(config))
folders = map(Path, sys.argv[1:3])
commands = [
    f"{shlex.quote(str(folder / 'bin' / command))} --config {name}.json"
    for folder, name, command in zip(
        folders, ("tap", "target"), ("tap-rest-api-msdk", "target-duckdb"), strict=True
    )
]
os.chdir(file.parent)
os.execv("/bin/bash", ["bash", "-c", f"set -o pipefail; {' | '.join(commands)}"])  # noqa: S606
