"""Read-only SQL on the warehouse, printed as an analyst wants it."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines import warehouse
from sources.errors import ConfigError

_CHUNK = 10_000
_WIDEST = 60


def query(text: str, *, form: str = "table", output: str | None = None) -> None:
    """Run one statement and write its rows as a table, CSV, JSON lines or a Parquet file.

    Raises:
        ConfigError: The statement is wrong, would write, or the form needs a file.
    """
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise ConfigError("--format parquet needs --output FILE, or a pipe")
    with warehouse.reading() as connection:
        reader = _rows(connection, text)
        if form == "table":
            _table(reader)
        elif form == "json":
            _write(output, lambda sink: _json(reader, sink))
        elif form == "csv":
            _write(output, lambda sink: _csv(reader, sink))
        else:
            _write(output, lambda sink: _parquet(reader, sink))


def _rows(connection: Any, text: str) -> Any:
    """Return the statement's rows as an Arrow reader of bounded batches."""
    import duckdb
    import pyarrow as pa

    if not hasattr(connection, "sql"):
        with connection.execute_query(text) as cursor:
            table = cursor.arrow()
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches())
    try:
        relation = connection.execute(text)
        return relation.to_arrow_reader(_CHUNK)
    except duckdb.Error as error:
        raise ConfigError(f"the query was not run: {str(error).splitlines()[0]}") from None


def _write(output: str | None, write: Any) -> None:
    if output is None:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with Path(output).open("wb") as sink:
        write(sink)


def _csv(reader: Any, sink: Any) -> None:
    import pyarrow.csv

    writer = pyarrow.csv.CSVWriter(sink, reader.schema)
    with writer:
        for batch in reader:
            writer.write_batch(batch)


def _json(reader: Any, sink: Any) -> None:
    import orjson

    for batch in reader:
        for row in batch.to_pylist():
            sink.write(orjson.dumps(row, default=str) + b"\n")


def _parquet(reader: Any, sink: Any) -> None:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(sink, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _table(reader: Any) -> None:
    """Print rows under their names, numbers to the right, NULL as nothing, and how many."""
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    table = Table(*(), header_style="bold", box=None, pad_edge=False)
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    for field in reader.schema:
        right = any(is_number(field.type) for is_number in numbers)
        table.add_column(field.name, justify="right" if right else "left", overflow="fold")
    count = 0
    for batch in reader:
        for row in batch.to_pylist():
            count += 1
            table.add_row(*(_cell(value) for value in row.values()))
    # Piped into a file or another program, a table is as wide as it needs to be.
    width = None if sys.stdout.isatty() else 20 * _WIDEST
    console = Console(width=width, highlight=False, markup=False)
    with suppress(BrokenPipeError):
        console.print(table)
        console.print(f"{count} row{'' if count == 1 else 's'}")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ") if hasattr(value, "hour") else value.isoformat())
    return str(value)
