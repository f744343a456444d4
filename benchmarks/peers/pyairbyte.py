"""PyAirbyte with a low-code manifest, into its DuckDB cache."""

import os
from pathlib import Path

import airbyte
from airbyte.caches import DuckDBCache

vendor = os.environ["BENCH_VENDOR"]
prefix = f"SOURCES__{vendor.upper()}__"
config = {
    name.removeprefix(prefix).lower(): value
    for name, value in os.environ.items()
    if name.startswith(prefix)
}
config["tenant"] = os.environ["BENCH_TENANT"]
manifest = Path(__file__).with_name(f"{vendor}.yaml")
source = airbyte.get_source(f"source-{vendor}", config=config, source_manifest=manifest)
source.select_all_streams()
file = os.environ["BENCH_FILE"]
cache = DuckDBCache(db_path=file, schema_name="raw", cache_dir=f"{file}.cache")
source.read(cache=cache)
