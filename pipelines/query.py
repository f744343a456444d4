"""Read-only SQL on the warehouse, printed as an analyst wants it."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import warehouse
from sources.errors import ConfigError

_CHUNK = 10_000
_WIDEST = 60
_WOULD_WRITE = "it would write, and query only reads"
_UNSAID = "its text may hold a guest's data and is not shown"


@dataclass
class Rows:
    """A result: its schema, whose names are distinct, and its rows as bounded Arrow batches."""

    schema: Any
    batches: Iterator[Any]

    @classmethod
    def named(cls, schema: Any, batches: Iterable[Any]) -> Rows:
        """Return a result none of whose columns hides another."""
        import pyarrow as pa

        names = _distinct(schema.names)
        fields = [field.with_name(name) for field, name in zip(schema, names, strict=True)]
        return cls(pa.schema(fields), (batch.rename_columns(names) for batch in batches))


def query(text: str, *, form: str = "table", output: str | None = None) -> None:
    """Run one statement and write its rows as a table, CSV, JSON lines or a Parquet file.

    Raises:
        ConfigError: The statement is wrong, would write, or cannot be written in this form.
    """
    import duckdb

    if form == "parquet" and output is None and sys.stdout.isatty():
        raise ConfigError("--format parquet needs --output FILE, or a pipe")
    write: Callable[[Rows, Any], None] = {
        "table": _table, "csv": _csv, "json": _json, "parquet": _parquet,
    }[form]  # fmt: skip
    with warehouse.reading() as connection:
        duck = isinstance(connection, duckdb.DuckDBPyConnection)
        with _telling():
            rows = _of_duckdb(connection, text) if duck else _of_other(connection, text)
        with _sink(output) as sink, _telling():
            write(rows, sink)


def _of_duckdb(connection: Any, text: str) -> Rows:
    """Return the rows of a statement that can reach nothing but the warehouse's own file."""
    import duckdb

    if not duckdb.extract_statements(text):
        raise ConfigError("the query was not run: there is no statement")
    # The file is open for reading only; this is for all the other files of the machine.
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    reader = connection.execute(text).to_arrow_reader(_CHUNK)
    return Rows.named(reader.schema, reader)


def _of_other(client: Any, text: str) -> Rows:
    """Return the rows of a statement that, as it is written, only reads."""
    import pyarrow as pa

    if not only_reads(text, client.capabilities.sqlglot_dialect or "duckdb"):
        raise ConfigError(f"the query was not run: it is not one statement, or {_WOULD_WRITE}")
    # Not by dlt's own way to Arrow, in which two columns of one name become one.
    with client.execute_query(text) as cursor:
        names = [column[0] for column in cursor.native_cursor.description or ()]
        rows = cursor.fetchall()
    columns = [pa.array([row[at] for row in rows]) for at in range(len(names))]
    table = pa.table(columns, names=names)
    return Rows.named(table.schema, table.to_batches(_CHUNK))


def only_reads(text: str, dialect: str) -> bool:
    """Tell whether a text is one statement that asks and changes nothing."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = [tree for tree in sqlglot.parse(text, read=dialect) if tree is not None]
    except SqlglotError:
        return False
    return len(statements) == 1 and (
        isinstance(statements[0], exp.Query | exp.Values | exp.Describe | exp.Show)
        and statements[0].find(exp.DML, exp.DDL, exp.Into, exp.Lock) is None
    )


@contextmanager
def _telling() -> Iterator[None]:
    """Say what was wrong with a query, quoting its text but never the data it met."""
    import duckdb
    import pyarrow as pa
    from dlt.common.destination.exceptions import DestinationException

    try:
        yield
    except (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException) as error:
        # These are about the statement; nothing has been read when they are raised.
        why = str(error).splitlines()[0]
    except duckdb.PermissionException:
        why = "it would read or write outside the warehouse"
    except (duckdb.Error, DestinationException) as error:
        why = f"{type(error).__name__}; {_UNSAID}"
        if "Cannot execute statement of type" in str(error):
            why = _WOULD_WRITE
    except (pa.ArrowException, ArithmeticError, ValueError) as error:
        why = f"{type(error).__name__}: this form cannot hold a value; cast it to text"
    except OSError as error:
        if error.errno is not None:
            raise
        # Arrow gives this class to what DuckDB says in the middle of a result.
        why = f"the warehouse could not go on; {_UNSAID}"
    else:
        return
    raise ConfigError(f"the query was not run: {why}") from None


def _distinct(names: Iterable[str]) -> list[str]:
    """Return the names, a repeated one with a number behind it."""
    made: list[str] = []
    for name in names:
        own, number = name, 0
        while own in made:
            number += 1
            own = f"{name}_{number}"
        made.append(own)
    return made


@contextmanager
def _sink(output: str | None) -> Iterator[Any]:
    """Yield what to write bytes to: the file, or standard output for as long as it is read."""
    if output is not None:
        try:
            with Path(output).open("wb") as file:
                yield file
        except OSError as error:
            raise ConfigError(f"--output {output}: {error.strerror}") from None
        return
    sys.stdout.flush()
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Whoever read has enough; what is still buffered must not fail at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _csv(rows: Rows, sink: Any) -> None:
    import pyarrow as pa
    import pyarrow.csv

    flat = [_is_flat(field.type) for field in rows.schema]
    schema = pa.schema(
        field if plain else pa.field(field.name, pa.string())
        for field, plain in zip(rows.schema, flat, strict=True)
    )
    with pyarrow.csv.CSVWriter(sink, schema) as writer:
        for batch in rows.batches:
            columns = [
                column if plain else pa.array(map(_worded, column.to_pylist()), pa.string())
                for column, plain in zip(batch.columns, flat, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _is_flat(kind: Any) -> bool:
    """Tell whether CSV has a way of its own to write this type."""
    import pyarrow as pa

    odd = (pa.types.is_nested, pa.types.is_dictionary, pa.types.is_interval, pa.types.is_binary)
    return not isinstance(kind, pa.BaseExtensionType) and not any(check(kind) for check in odd)


def _json(rows: Rows, sink: Any) -> None:
    for batch in rows.batches:
        for row in batch.to_pylist():
            sink.write(_dumped(row) + b"\n")


def _dumped(value: object) -> bytes:
    import orjson

    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    """Return what JSON has no type for in words, and a decimal as a number with every digit."""
    from decimal import Decimal

    import orjson

    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    return _text(value)


def _parquet(rows: Rows, sink: Any) -> None:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(sink, rows.schema) as writer:
        for batch in rows.batches:
            writer.write_batch(batch)


def _table(rows: Rows, sink: Any) -> None:
    """Print rows under their names, numbers to the right, NULL as nothing, and how many."""
    import pyarrow as pa
    from rich.console import Console
    from rich.table import Table

    table = Table(*(), header_style="bold", box=None, pad_edge=False)
    numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    for field in rows.schema:
        right = any(is_number(field.type) for is_number in numbers)
        table.add_column(field.name, justify="right" if right else "left", overflow="fold")
    count = 0
    for batch in rows.batches:
        count += batch.num_rows
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            table.add_row(*(_worded(value) or "" for value in row))
    # Piped into a file or another program, a table is as wide as it needs to be.
    screen = sink is sys.stdout.buffer and sys.stdout.isatty()
    # Printed into memory: at a closed pipe rich would end the process in its own way.
    drawn = io.StringIO()
    console = Console(
        file=drawn, width=None if screen else 20 * _WIDEST, force_terminal=screen,
        highlight=False, markup=False,
    )  # fmt: skip
    console.print(table)
    console.print(f"{count} row{'' if count == 1 else 's'}")
    sink.write(drawn.getvalue().encode())


def _worded(value: object) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    """Return a value in words: nested ones as JSON, a span as ISO 8601, bytes in hexadecimal."""
    import pyarrow as pa

    if isinstance(value, pa.MonthDayNano):
        return f"P{value.months}M{value.days}DT{value.nanoseconds / 1e9:g}S"
    if isinstance(value, list | dict | tuple):
        return _dumped(value).decode()
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ") if hasattr(value, "date") else value.isoformat())
    return str(value)
