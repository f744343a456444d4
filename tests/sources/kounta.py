"""One company at Kounta, alone in its project, and what a test asks of the wire and the log."""

from __future__ import annotations

import os
from typing import Any

import pytest

from simulator import Simulator

COMPANY = "5678"
LIST = rf"GET /kounta/v1/companies/{COMPANY}/customers(\?|$)"
DETAIL = rf"GET /kounta/v1/companies/{COMPANY}/customers/\d+$"
TOKEN = r"POST /kounta/v1/token\.json$"


def alone(sim: Simulator, monkeypatch: pytest.MonkeyPatch, **switches: Any) -> Simulator:
    """Return the simulator with one company of 110 customers, on pages of ten unless told."""
    del sim.kounta.world["5679"]
    for name in list(os.environ):
        if name.startswith("SOURCES__KOUNTA__ACCOUNTS__SECOND"):
            monkeypatch.delenv(name)
    turn(sim, **{"page_size": 10, **switches})
    return sim


def turn(sim: Simulator, **switches: Any) -> None:
    """Turn switches of the vendor."""
    assert switches.keys() <= vars(sim.kounta.switches).keys()
    vars(sim.kounta.switches).update(switches)


def address_of(customer_id: str) -> str:
    """Return the pattern of a customer's own address."""
    return rf"GET /kounta/v1/companies/{COMPANY}/customers/{customer_id}$"


def log_of(tables: Any, resource: str = "customers") -> list[tuple[str, str]]:
    """Return (op, id) of every row of the change log, oldest first."""
    rows: list[tuple[str, str]] = tables.rows(
        f"select _op, id from raw_kounta.{resource} order by _observed_at, id"
    )
    return rows
