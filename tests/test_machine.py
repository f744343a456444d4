"""A state machine over the pretended vendor; its oracle is the vendor's own truth.

Whatever happens, in whatever order, one quiet complete sync makes core equal to what the vendor
has, histories sound, every removal true, and a rebuild without effect. `make soak` runs it longer.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator import LokeSwitches, Simulator, VirtualClock
from sources.throttle import Timing
from tests.conftest import NOON, ROOT, Tables, assert_sound, assert_true, configure, history

SEED = st.integers(0, 2**16)


class Machine(RuleBasedStateMachine):
    """Create, update, delete, restore, attach, detach, rename, page, fault, clock, lose, sync."""

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp(prefix="regulars-"))
        project = self.folder / "project"
        (project / ".dlt").mkdir(parents=True)
        shutil.copy(ROOT / ".dlt" / "config.toml", project / ".dlt" / "config.toml")
        for name in list(os.environ):
            if name.startswith(("SOURCES__", "DESTINATION__", "RUNS__", "DLT_")):
                self.patch.delenv(name)
        self.patch.setenv("DLT_PROJECT_DIR", str(project))
        self.patch.setenv("DLT_DATA_DIR", str(self.folder / "data"))
        self.patch.setenv("RUNS__CHECKPOINT_PAGES", "3")
        self.clock = VirtualClock(NOON)
        self.tables = Tables(project / "warehouse.duckdb")
        self.removed: set[tuple[str, str]] = set()

    @initialize(
        seed=SEED,
        cursor=st.sampled_from(["keyset", "offset"]),
        direction=st.sampled_from(["descending", "descending", "ascending", "mixed"]),
        ties=st.sampled_from(["stable", "shuffled"]),
        nulls=st.sampled_from(["first", "last"]),
    )
    def build(self, seed, cursor, direction, ties, nulls):
        switches = LokeSwitches(
            page_size=7, members_page_size=3, lists_page_size=2, cursor=cursor,
            direction=direction, ties=ties, nulls_sort=nulls,
        )  # fmt: skip
        self.sim = Simulator(
            customers=40, seed=seed, clock=self.clock, only=["loke"], loke=switches, lists=3
        )
        configure(self.sim, self.patch)
        self.org = self.sim.loke.organizations[0]

    def _customer(self, at):
        ids = self.sim.loke.customer_ids(self.org)
        return ids[at % len(ids)] if ids else self.sim.loke.create_customer(self.org)

    def _list(self, at):
        ids = self.sim.loke.list_ids(self.org)
        return ids[at % len(ids)] if ids else self.sim.loke.create_list(self.org, "Again")

    @rule()
    def create(self):
        self.sim.loke.create_customer(self.org)

    @rule(at=SEED, touch=st.booleans(), value=st.integers(0, 3))
    def update(self, at, touch, value):
        self.sim.loke.update_customer(
            self.org, self._customer(at), _touch=touch, lastName=f"N{value}"
        )

    @rule(at=SEED)
    def delete(self, at):
        customer = self._customer(at)
        self.sim.loke.delete_customer(self.org, customer)
        self.removed.add((self.org, customer))

    @rule()
    def restore(self):
        for customer in list(self.sim.loke.world[self.org].deleted)[:1]:
            self.sim.loke.restore_customer(self.org, customer)

    @rule(at=SEED, who=SEED)
    def attach(self, at, who):
        self.sim.loke.add_member(self.org, self._list(at), self._customer(who))

    @rule(at=SEED)
    def detach(self, at):
        chosen = self._list(at)
        for member in self.sim.loke.member_ids(self.org, chosen)[:1]:
            self.sim.loke.remove_member(self.org, chosen, member)

    @rule(at=SEED, value=st.integers(0, 3))
    def rename(self, at, value):
        self.sim.loke.rename_list(self.org, self._list(at), f"L{value}")

    @rule(at=SEED)
    def empty_list(self, at):
        self.sim.loke.set_members(self.org, self._list(at), [])

    @rule(at=SEED)
    def delete_list(self, at):
        self.sim.loke.delete_list(self.org, self._list(at))

    @rule(seconds=st.integers(0, 7200))
    def time_passes(self, seconds):
        self.clock.advance(timedelta(seconds=seconds))

    @rule(minutes=st.integers(1, 120))
    def clock_steps_back(self, minutes):
        self.clock.advance(-timedelta(minutes=minutes))

    @rule(page=st.integers(1, 8), at=SEED, what=st.sampled_from(["update", "delete", "create"]))
    def change_while_it_is_read(self, page, at, what):
        acts = {
            "update": lambda: self.update(at, touch=True, value=4),
            "delete": lambda: self.delete(at),
            "create": self.create,
        }
        self.sim.before(rf"{self.org}/customers\?", page, acts[what])

    @rule(
        nth=st.integers(1, 12), times=st.sampled_from([1, 3, None]),
        fault=st.sampled_from(
            [{"status": 500}, {"drop": True}, {"truncate": True}, {"body": "<html>"},
             {"status": 401}, {"status": 429, "headers": {"retry-after": "1000"}}]
        ),
    )  # fmt: skip
    def fault(self, nth, times, fault):
        self.sim.fault(r"GET /loke/", nth=nth, times=times, **fault)

    @rule()
    def lose_the_working_folder(self):
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    @rule()
    def keep_a_copy(self):
        if self.tables.file.exists():
            shutil.copy(self.tables.file, self.folder / "copy.duckdb")

    @rule()
    def restore_the_copy(self):
        if (self.folder / "copy.duckdb").exists():
            shutil.copy(self.folder / "copy.duckdb", self.tables.file)

    def _sync(self, **options):
        from pipelines.sync import sync

        timing = Timing(self.clock.now, self.clock.sleep)
        return sync(["loke"], timing=timing, transport=self.sim.transport(), **options)

    @rule(full=st.booleans())
    def sync(self, full):
        outcome = self._sync(full=full)
        assert outcome.exit_code in (0, 3, 4, 75)
        self.sim.clear()

    @rule()
    def quiet_sync_is_the_truth(self):
        self.sim.clear()
        assert self._sync(full=True).exit_code == 0
        assert_true(self.tables, self.sim)
        rows = self.tables.snapshot()
        self.clock.advance(timedelta(minutes=1))
        assert self._sync(full=True).exit_code == 0
        assert self.tables.snapshot() == rows

    @rule()
    def rebuild_changes_nothing(self):
        from pipelines.sync import transform

        if self.tables.file.exists():
            before = history(self.tables)
            transform(rebuild=True)
            assert history(self.tables) == before

    @invariant()
    def every_removal_is_true(self):
        if self.tables.rows("select 1 from raw_loke.customers limit 1"):
            deleted = self.tables.rows(
                "select distinct tenant_id, id from raw_loke.customers where _op = 'delete'"
            )
            assert set(deleted) <= self.removed
            assert_sound(self.tables)

    def teardown(self):
        try:
            if hasattr(self, "sim"):
                self.quiet_sync_is_the_truth()
        finally:
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)


EXAMPLES = int(os.environ.get("REGULARS_EXAMPLES", "0"))
Machine.TestCase.settings = settings(
    max_examples=EXAMPLES or 6,
    stateful_step_count=40 if EXAMPLES else 15,
    derandomize=not EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
TestMachine = Machine.TestCase
