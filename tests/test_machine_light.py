"""The state machine without dlt's steps: a dozen steps in the time of one.

What happens to files and processes (kills, a torn folder) is left to the whole one.
"""

from __future__ import annotations

import copy
from itertools import count
from typing import Any

from hypothesis.stateful import precondition, rule

from tests import test_machine
from tests.light import Light, LightTables

_COPIES = count(1)
_KEPT = "('raw_loke', 'raw_collins', 'raw_kounta', 'raw_foodics', 'core', 'ops')"


class LightMachine(test_machine.Machine):
    """The same rules over a destination in memory."""

    killed = None

    def __init__(self) -> None:
        super().__init__()
        self.light = Light()
        self.light.stand_in(self.patch)
        self.tables = LightTables(self.light)
        self.kept: tuple[str, dict[str, Any]] | None = None

    @rule()
    def keep_a_copy(self) -> None:
        name = f"copy{next(_COPIES)}"
        self.light.db.execute(f"attach ':memory:' as {name}")
        self.light.db.execute(f"copy from database memory to {name}")
        if self.kept:
            self.light.db.execute(f"detach {self.kept[0]}")
        self.kept = name, copy.deepcopy(self.light.states)

    @precondition(lambda self: self.kept)
    @rule()
    def restore_the_copy(self) -> None:
        assert self.kept
        name, states = self.kept
        schemas = self.light.db.execute(
            "select schema_name from duckdb_schemas() "
            f"where database_name = 'memory' and schema_name in {_KEPT}"
        ).fetchall()
        for (schema,) in schemas:
            self.light.db.execute(f"drop schema {schema} cascade")
        self.light.db.execute(f"copy from database {name} to memory")
        self.light.states = copy.deepcopy(states)

    def published(self) -> bool:
        return bool(self.light.states)

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.light.db.close()


LightMachine.TestCase.settings = test_machine.lengths(examples=5, steps=14, times=12)
TestLightMachine = LightMachine.TestCase
