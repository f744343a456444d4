"""A state machine over all four pretended vendors; its oracle is the vendors' own truth.

Whatever happens, in whatever order, one quiet complete sync makes core equal to what the vendors
have, histories sound, every removal true, and a rebuild without effect. `make soak` runs it longer.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from simulator import (
    CollinsSwitches,
    FoodicsSwitches,
    KountaSwitches,
    LokeSwitches,
    Simulator,
    VirtualClock,
)
from sources.job import Window
from sources.throttle import Timing
from tests.conftest import (
    EXAMPLES,
    NOON,
    ROOT,
    Tables,
    assert_sound,
    assert_true,
    configure,
    history,
)
from tests.contract.worlds import WORLDS
from tests.crash.matrix import Processes

AT = st.integers(0, 2**16)
SWITCHES = {
    "loke": st.builds(
        LokeSwitches,
        page_size=st.just(7),
        members_page_size=st.just(3),
        lists_page_size=st.just(2),
        cursor=st.sampled_from(["keyset", "offset"]),
        direction=st.sampled_from(["descending", "descending", "ascending", "mixed"]),
        ties=st.sampled_from(["stable", "shuffled"]),
        nulls_sort=st.sampled_from(["first", "last"]),
    ),
    "collins": st.builds(
        CollinsSwitches,
        filter_zone=st.sampled_from(["UTC", "Europe/London"]),
        ties=st.sampled_from(["stable", "shuffled"]),
    ),
    "kounta": st.builds(
        KountaSwitches,
        page_size=st.just(9),
        paging=st.sampled_from(["header", "legacy", "both"]),
        start=st.sampled_from(["exclusive", "inclusive"]),
        list_payload=st.sampled_from(["abridged", "full"]),
        # Copies of one project go back to tokens that were replaced since.
        old_refresh=st.just("lives"),
    ),
    "foodics": st.builds(
        FoodicsSwitches,
        page_size=st.just(6),
        updated_after=st.sampled_from(["inclusive", "exclusive"]),
        ties=st.sampled_from(["stable", "shuffled"]),
    ),
}
# Which vendors are in a world: all of them cost most of the time and find least.
CASTS = st.sampled_from(
    [["loke"], ["collins"], ["kounta"], ["foodics"], ["loke", "foodics"], list(WORLDS)]
)
FAULTS = [
    {"status": 500},
    {"drop": True},
    {"truncate": True},
    {"body": "<html>"},
    {"status": 401},
    {"status": 429, "headers": {"retry-after": "1000"}},
]
POINTS = ("request", "checkpoint", "extract", "normalize", "job", "load", "base", "statement",
          "rows", "commit", "publish")  # fmt: skip


class Machine(RuleBasedStateMachine):
    """Changes at the vendors, faults, clocks, losses, kills, backfills, syncs."""

    processes: Processes | None = None
    steps: ClassVar[Counter[str]] = Counter()

    def __init__(self):
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.stack = ExitStack()
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
        self.removed: set[tuple[str, str, str]] = set()

    @initialize(seed=AT, cast=CASTS, switches=st.fixed_dictionaries(SWITCHES))
    def build(self, seed, cast, switches):
        self.sim = Simulator(
            customers=40, seed=seed, clock=self.clock, only=cast, lists=3, **switches
        )
        self.stack.enter_context(self.sim.serve())
        configure(self.sim, self.patch)
        self.worlds = [WORLDS[name](self.sim) for name in cast]

    def _world(self, at):
        return self.worlds[at % len(self.worlds)]

    def _with_lists(self, at):
        world = self._world(at)
        # The last member may have left.
        world.refill()
        return world

    def _customer(self, world, at):
        ids = world.ids
        return (world.tenant, ids[at % len(ids)]) if ids else world.create(self.clock.now())

    @rule(at=AT, stamped=st.booleans())
    def create(self, at, stamped):
        self._world(at).create(self.clock.now() if stamped else None)

    @rule(at=AT, who=AT, value=st.integers(0, 3))
    def update(self, at, who, value):
        world = self._world(at)
        world.rename(self._customer(world, who), f"N{value}")

    @rule(at=AT, who=AT)
    def update_silently(self, at, who):
        world = self._world(at)
        world.change_silently(self._customer(world, who))

    @rule(at=AT, who=AT)
    def delete(self, at, who):
        world = self._world(at)
        customer = self._customer(world, who)
        world.delete(customer)
        self.removed.add((world.name, *customer))

    @rule(at=AT)
    def restore(self, at):
        world = self._world(at)
        gone = sorted(one for one in self.removed if one[0] == world.name)
        if gone and gone[at % len(gone)][2] not in world.ids:
            world.restore(gone[at % len(gone)][1:])

    @rule(at=AT, who=AT)
    def join(self, at, who):
        world = self._with_lists(at)
        list_id, (_, member) = world.any_membership()
        customer = self._customer(world, who)
        if customer[1] != member and customer[1] not in world.members(list_id):
            world.join(list_id, customer)

    @rule(at=AT)
    def leave(self, at):
        world = self._with_lists(at)
        world.leave(*world.any_membership())

    @rule(at=AT, count=st.integers(1, 3))
    def swap_members(self, at, count):
        self._with_lists(at).swap_members(count)

    @rule(at=AT)
    def empty_list(self, at):
        self._with_lists(at).empty_list()

    @rule(at=AT)
    def delete_list(self, at):
        self._with_lists(at).delete_list()

    @rule(seconds=st.integers(0, 7200))
    def time_passes(self, seconds):
        self.clock.advance(timedelta(seconds=seconds))

    @rule(minutes=st.integers(1, 120))
    def clock_steps_back(self, minutes):
        self.clock.advance(-timedelta(minutes=minutes))

    @rule(
        at=AT, nth=st.integers(1, 8), who=AT, what=st.sampled_from(["update", "delete", "create"])
    )
    def change_while_it_is_read(self, at, nth, who, what):
        acts = {
            "update": lambda: self.update(at, who, 4),
            "delete": lambda: self.delete(at, who),
            "create": lambda: self.create(at, stamped=True),
        }
        self.sim.before(rf"{self._world(at).name}.*/customers", nth, acts[what])

    @rule(
        at=AT, nth=st.integers(1, 12), times=st.sampled_from([1, 3, None]),
        fault=st.sampled_from(FAULTS),
    )  # fmt: skip
    def fault(self, at, nth, times, fault):
        self.sim.fault(rf"/{self._world(at).name}/", nth=nth, times=times, **fault)

    @rule()
    def lose_the_working_folder(self):
        """All of it but the credentials, which are the one thing that has to be kept."""
        for path in (self.folder / "data").glob("*"):
            if path.name != "credentials":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    @rule()
    def keep_a_copy(self):
        if self.tables.file.exists():
            shutil.copy(self.tables.file, self.folder / "copy.duckdb")

    @rule()
    def restore_the_copy(self):
        if (self.folder / "copy.duckdb").exists():
            shutil.copy(self.folder / "copy.duckdb", self.tables.file)

    def _timing(self):
        return Timing(self.clock.now, self.clock.sleep)

    def _sync(self, **options):
        from pipelines.sync import sync

        return sync(timing=self._timing(), transport=self.sim.transport(), **options)

    @rule(full=st.booleans())
    def sync(self, full):
        outcome = self._sync(full=full)
        assert outcome.exit_code in (0, 3, 4, 75)
        self.sim.clear()

    @rule(at=AT, days=st.integers(0, 400))
    def backfill(self, at, days):
        from pipelines.sync import backfill

        window = Window(self.clock.now() - timedelta(days=days), None)
        name = self._world(at).name
        outcome = backfill(name, window, timing=self._timing(), transport=self.sim.transport())
        assert outcome.exit_code in (0, 3, 4, 75)
        self.sim.clear()

    @rule(
        at=AT, point=st.sampled_from(POINTS), moment=st.sampled_from(["before", "after"]),
        nth=st.integers(1, 20), what=st.sampled_from(["sync", "full", "backfill", "rebuild"]),
    )  # fmt: skip
    def killed(self, at, point, moment, nth, what):
        if what == "rebuild" and not self.tables.file.exists():
            return
        argv = {
            "sync": ["sync"],
            "full": ["sync", "--full"],
            "backfill": ["backfill", self._world(at).name, "--from", "2026-01-01"],
            "rebuild": ["transform", "--rebuild"],
        }[what]
        Machine.processes = Machine.processes or Processes(Path(tempfile.gettempdir()) / "machine")
        code = Machine.processes.run(
            argv, dict(os.environ), (point, moment, nth), now=self.clock.now()
        )
        assert code in (-signal.SIGKILL, 0, 3, 4, 75)
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

    def published(self):
        return self.tables.file.exists()

    @precondition(lambda self: self.published())
    @rule()
    def rebuild_changes_nothing(self):
        from pipelines.sync import transform

        transform()
        before = history(self.tables)
        transform(rebuild=True)
        assert history(self.tables) == before

    @invariant()
    def counted(self):
        self.steps[type(self).__name__] += 1

    @invariant()
    def every_removal_is_true(self):
        for world in getattr(self, "worlds", ()):
            deleted = self.tables.rows(
                f"select distinct '{world.name}', tenant_id, id from raw_{world.name}.customers "
                "where _op = 'delete'"
            )
            assert set(deleted) <= self.removed
        if self.tables.rows("select 1 from core.customers limit 1"):
            assert_sound(self.tables)

    def teardown(self):
        try:
            if hasattr(self, "worlds"):
                self.quiet_sync_is_the_truth()
        finally:
            self.stack.close()
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)
            if EXAMPLES:
                sys.stderr.write(f"steps so far: {dict(self.steps)}\n")


def lengths(examples, steps, times=1):
    """So many examples of so many steps; a soak's are longer, and `times` what it asks for."""
    return settings(
        max_examples=EXAMPLES * times or examples,
        stateful_step_count=100 if EXAMPLES else steps,
        derandomize=not EXAMPLES,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


Machine.TestCase.settings = lengths(examples=2, steps=8)
TestMachine = Machine.TestCase
