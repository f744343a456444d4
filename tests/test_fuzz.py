"""Pages with values nobody should send: no good record is lost, and nothing ends unforeseen.

`make fuzz MINUTES=10` goes on for so long from a seed of its own; a failure names one, and
`make fuzz SEED=…` begins with it.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import time
from typing import Any

import httpx
import pytest

from simulator import FoodicsSwitches, LokeSwitches, Simulator, VirtualClock
from sources import VENDORS
from tests.conftest import MINUTE, NOON, assert_true, configure
from tests.light import Light, LightTables
from tests.truth import expected

MINUTES = float(os.environ.get("REGULARS_FUZZ_MINUTES") or 0)
SEED = int(os.environ.get("REGULARS_FUZZ_SEED") or 0)
RAW = {"@1e999@": "1e999", "@twice@": '1, "name": "Twice"', "@NaN@": "NaN", "@-0@": "-0.0"}
ODD: list[Any] = [
    None, "", " ", "null", 0, -1, 1.5, 2**63, 2**70, True, False, [], {}, [[]], [None], {"": {}},
    "\x00", "\ud800", "a\u202eb", "😀" * 9, "x" * 100_000, "'; drop table", "<b>", "1e400", "NaN",
    "0000-00-00", "0001-01-01", "9999-99-99", "2026-02-30T25:61:61Z", "2026-05-02T12:00:00+99:99",
    "1970-01-01 00:00:00", "31/12/2025", "999999999999.9999999", "-", "+", "٣", "true", "1,5",
    [1, "a", None, {"id": None}], {"id": {"id": 1}}, [{"id": 2**70}], [{"id": "", "name": []}],
    *RAW,
]  # fmt: skip


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if depth % 2 else {"in": value}
    return value


class Spoiled(httpx.BaseTransport):
    """The vendors, some of whose customers come with values nobody should send.

    Attributes:
        ids: Whose records were touched.
    """

    def __init__(self, sim: Simulator, chance: random.Random) -> None:
        self._vendors, self._chance, self.ids = sim.transport(), chance, set[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._vendors.handle_request(request)
        answer.read()
        if "/customers" not in request.url.path or answer.status_code != 200:
            return answer
        value = answer.json()
        held = (
            value.get("data", value.get("customers", value)) if isinstance(value, dict) else value
        )
        for record in held if isinstance(held, list) else [held]:
            if self._chance.random() < 0.2:
                self._spoil(record)
        text = json.dumps(value)
        for mark, raw in RAW.items():
            text = text.replace(f'"{mark}"', raw)
        headers = [
            (name, told)
            for name, told in answer.headers.multi_items()
            if name.lower() not in ("content-length", "content-encoding")
        ]
        return httpx.Response(200, headers=headers, content=text.encode(), request=request)

    def _spoil(self, record: dict[str, Any]) -> None:
        self.ids.add(str(record.get("id")))
        for _ in range(self._chance.randint(1, 3)):
            within = self._chance.choice(
                [record, *(v for v in record.values() if isinstance(v, dict))]
            )
            key = self._chance.choice([*(key for key in within if key != "id"), "new", "a.b", "é"])
            odd = _nested(self._chance.choice([3, 70])) if self._chance.random() < 0.05 else None
            within[key] = odd or copy.deepcopy(self._chance.choice(ODD))
            if self._chance.random() < 0.1:
                del within[key]


def _try(vendor: str, seed: int, project: Any, monkeypatch: Any) -> None:
    """Sync spoiled pages, then good ones."""
    from pipelines.sync import sync
    from sources.throttle import Timing

    shutil.rmtree(project.parent / "data", ignore_errors=True)
    clock = VirtualClock(NOON)
    sim = Simulator(
        customers=40, clock=clock, only=[vendor], loke=LokeSwitches(page_size=10),
        foodics=FoodicsSwitches(page_size=10),
    )  # fmt: skip
    configure(sim, monkeypatch)
    light = Light()
    light.stand_in(monkeypatch)
    tables, timing = LightTables(light), Timing(clock.now, clock.sleep)
    spoiled = Spoiled(sim, random.Random(f"{vendor} {seed}"))
    outcome = sync([vendor], timing=timing, transport=spoiled)
    told = [str(error) for error in outcome.errors]
    assert outcome.exit_code in (0, 4, 75), (seed, told)
    assert not [one for one in told if re.search("foresaw|refused a statement", one)], (seed, told)
    if outcome.exit_code == 0:
        columns, key, rows = expected(sim, vendor)["customers"]
        found = tables.rows(f"select {columns} from core.customers")
        now = {row[:key]: row[key:] for row in found}
        good = {at: row for at, row in rows.items() if not spoiled.ids & {*map(str, at)}}
        assert {at: now.get(at) for at in good} == good, seed
    clock.advance(MINUTE)
    outcome = sync([vendor], full=True, timing=timing, transport=sim.transport())
    assert outcome.exit_code == 0, (seed, [str(error) for error in outcome.errors])
    assert_true(tables, sim)


@pytest.mark.parametrize("vendor", VENDORS)
def test_spoiled_pages_cost_no_good_record(vendor, project, monkeypatch):
    """Invariant 10: whatever stands in a field, others arrive, and good pages mend all of it."""
    begin = SEED or (random.SystemRandom().randrange(10**9) if MINUTES else 0)
    until, tried = time.monotonic() + MINUTES * 60 / len(VENDORS), 0
    while tried < 3 or time.monotonic() < until:
        _try(vendor, begin + tried, project, monkeypatch)
        tried += 1
    if MINUTES:
        print(f"\n{vendor}: {tried} first syncs of spoiled pages, seeds from {begin}")  # noqa: T201
