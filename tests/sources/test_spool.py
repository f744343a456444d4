"""Rows that wait for the end of their part."""

from __future__ import annotations

import errno
import gc

import pyarrow as pa
import pytest

import sources.spool
from sources.spool import Spool

ROWS = pa.table({"id": [f"{at:06}" for at in range(3_000)], "many": list(range(3_000))})


def _kept(tables=1):
    spool = Spool(ROWS.schema, None)
    for _ in range(tables):
        spool.add(ROWS)
    return spool


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [3_000]), (4, [6_000, 6_000])])
def test_rows_come_as_they_went_some_thousand_at_a_time(count, sizes):
    """From memory and, where there are more, from a file."""
    tables = list(_kept(count).drain())
    assert [table.num_rows for table in tables] == sizes
    assert pa.concat_tables([ROWS.slice(0, 0), *tables]) == pa.concat_tables(
        [ROWS.slice(0, 0), *[ROWS] * count]
    )


def test_what_is_never_drained_goes_in_silence(capfd):
    """A scan that failed, or a generator that nobody took to its end."""
    closed, left, half = _kept(), _kept(), _kept(4).drain()
    closed.close()
    next(half)
    del closed, left, half
    gc.collect()
    assert capfd.readouterr() == ("", "")


def test_rows_of_another_table_are_refused():
    """They would be read as if they were of this one."""
    with pytest.raises(ValueError, match="another table"):
        _kept().add(ROWS.rename_columns(["id", "much"]))


def test_full_disk_is_told_as_one(monkeypatch):
    """What to do about it depends on its number."""

    class Full:
        def __init__(self, *_, **__):
            self.written = 0

        def write(self, some):
            self.written += len(some)
            if self.written > 10_000:
                raise OSError(errno.ENOSPC, "no space")

        def close(self):
            """Nothing."""

    monkeypatch.setattr(sources.spool, "SpooledTemporaryFile", Full)
    with pytest.raises(OSError, match="no space") as told:
        _kept()
    assert told.value.errno == errno.ENOSPC
