"""A destination that cannot be reached, in each command that needs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dlt.destinations.exceptions import DestinationConnectionError
from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient

from pipelines.cli import main
from tests.conftest import assert_true


@pytest.fixture
def cut(monkeypatch):
    """Let nobody connect to a dataset whose name begins so, as dlt says it of any destination.

    What it returns mends it.
    """

    def name(dataset: str) -> Callable[[], None]:
        reached = DuckDbSqlClient.open_connection

        def refused(client):
            if client.dataset_name.startswith(dataset):
                inner = ConnectionRefusedError("guest.example.org")
                raise DestinationConnectionError("any", client.dataset_name, str(inner), inner)
            return reached(client)

        monkeypatch.setattr(DuckDbSqlClient, "open_connection", refused)
        return lambda: monkeypatch.setattr(DuckDbSqlClient, "open_connection", reached)

    return name


@pytest.mark.parametrize("dataset", ["core", "raw_"])
def test_sync_that_cannot_reach_the_destination_ends_75_and_the_next_goes_on(
    sim, sync, tables, cut, dataset
):
    """Whether it goes before anything is landed or before it is published: said, and made up."""
    mended = cut(dataset)
    outcome = sync()
    assert outcome.exit_code == 75
    assert "destination cannot be reached" in str(outcome.errors[0])
    assert "guest" not in str(outcome.errors[0])
    mended()
    assert sync().exit_code == 0
    assert_true(tables, sim)


@pytest.mark.parametrize(
    ("command", "dataset"), [("transform", "core"), ("erase", "core"), ("erase", "raw_")]
)
def test_command_that_cannot_reach_the_destination_ends_75(
    sync, cut, tables, guest, command, dataset, capsys
):
    """It names no address, and has changed nothing."""
    sync()
    before = tables.snapshot()
    cut(dataset)
    tenant, customer = guest["loke"]
    words = [command, "loke", customer, "--tenant", tenant] if command == "erase" else [command]
    assert main(words) == 75
    told = capsys.readouterr().err
    assert "destination cannot be reached" in told
    assert "guest" not in told
    assert tables.snapshot() == before
