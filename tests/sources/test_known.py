"""What the log is asked, in the form each destination is asked in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from sources.loke.fields import CUSTOMERS, SHAPES
from tests.conftest import NOON
from tests.sources.bench import MemoryLog

# Ids are the vendor's word: they may hold whatever a text can.
IDS = ["plain", "it's", 'say "so"', "100 %s", "{table}", "\u0644\u064a\u0644\u0649", "\\"]


@pytest.fixture(params=["duckdb", "snowflake"])
def log(request, monkeypatch):
    """A log of two rows for each id, asked as this destination is."""
    made = MemoryLog("loke", SHAPES)
    monkeypatch.setattr(made, "dialect", request.param)
    for hour in (1, 2):
        rows: list[dict[str, Any]] = [
            {"tenant_id": "org", "id": one, "_op": "upsert", "_row_hash": f"{hour}:{one}",
             "updated_at": NOON + timedelta(hours=hour), "_scan_id": "s",
             "_observed_at": NOON + timedelta(hours=hour)}
            for one in IDS
        ]  # fmt: skip
        made.land("customers", pa.Table.from_pylist(rows, schema=CUSTOMERS.schema))
    return made


@pytest.mark.parametrize("ids", [[], IDS[:1], IDS[1:6], [*IDS, "nobody"]])
def test_last_row_of_each_key_that_is_asked_for_is_told_and_no_other(log, ids):
    """However many are asked for, and whatever they hold."""
    found = [row for heads in log.heads(CUSTOMERS, "org", ids) for row in heads.to_pylist()]
    assert {row["id"]: row["hash"] for row in found} == {
        one: f"2:{one}" for one in ids if one in IDS
    }
    earlier = log.heads(CUSTOMERS, "org", ids, until=NOON + timedelta(hours=1))
    assert {row["hash"] for heads in earlier for row in heads.to_pylist()} == {
        f"1:{one}" for one in ids if one in IDS
    }


def test_only_what_is_older_than_the_last_row_is_older(log):
    """Before the first row's stamp or between the two is older; equal, later or unknown is not."""
    ids = [*IDS, "nobody", "unstamped"]
    for minutes, kept in ((30, []), (90, []), (120, IDS), (121, IDS)):
        at = (NOON + timedelta(minutes=minutes)).isoformat()
        records: list[dict[str, Any]] = [{"id": one, "updatedAt": at} for one in ids[:-1]]
        places = log.not_older(CUSTOMERS, "org", ids, [*records, {"id": IDS[0]}])
        assert [ids[place] for place in places] == [*kept, "nobody", "unstamped"]


def test_everything_is_told_and_of_another_tenant_nothing(log):
    """In the order of the keys, as it will be kept, where that costs little."""
    (heads,) = log.heads(CUSTOMERS, "org")
    told = heads.column("id").to_pylist()
    assert (told if log.dialect == "duckdb" else sorted(told)) == sorted(IDS)
    assert [row for table in log.heads(CUSTOMERS, "other") for row in table.to_pylist()] == []
