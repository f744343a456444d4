"""What the fold asks of staging, so that it can read a few columns, or a few rows, of a log."""

from __future__ import annotations

import pytest

from transforms.fold import narrowed, touched
from transforms.model import ENTITIES

CUSTOMERS = ENTITIES[0]
GOOD = """select
    'v' as vendor,
    tenant_id,
    id as customer_id,
    case
        when gender in ('A', 'B') then 'c'
    end as gender,
    _scan_id as scan_id
from raw_v.customers"""


def test_narrowed_staging_says_of_a_column_what_staging_says():
    """The columns asked for, as they are written there, and none of the others."""
    said = narrowed([GOOD, GOOD.replace("'v'", "'w'")], "vendor", "customer_id", "scan_id")
    one = "select '{}' as vendor, id as customer_id, _scan_id as scan_id from raw_v.customers"
    assert said == f"({one.format('v')} union all {one.format('w')})"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (f"{GOOD}\nwhere id <> ''", "of one log, and of all of it"),
        (GOOD.replace("    id as", "    id\n        as"), "no line for customer_id"),
        (GOOD.replace("    id as", "    id || '' as"), "no column of a log as customer_id"),
    ],
    ids=["not all of it", "two lines", "not a column"],
)
def test_staging_that_could_not_be_read_so_is_refused(query, told):
    """With its text, in `make check`, where a vendor is added; never a silent look at all rows."""
    with pytest.raises(ValueError, match=told):
        touched([query], CUSTOMERS, "part_customers")


def test_column_that_takes_more_than_a_line_cannot_be_read_alone():
    """It is named."""
    with pytest.raises(ValueError, match="no line for gender"):
        narrowed([GOOD.replace("    end as gender", "    end\n    as gender")], "gender")
