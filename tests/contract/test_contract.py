"""What every vendor's source must do, whatever its API is like.

A vendor joins by its own class in `worlds.py`; every test then runs for it by itself.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.erase import erase
from sources import VENDORS
from tests.conftest import MINUTE, assert_true, history
from tests.contract.worlds import WORLDS

pytestmark = [pytest.mark.parametrize("vendor", VENDORS), pytest.mark.light]


@pytest.fixture
def world(vendor, sim):
    """The vendor's world in words that all vendors share."""
    return WORLDS[vendor](sim)


@pytest.mark.whole
def test_first_sync_brings_everything(vendor, world, sync, tables):
    """Customers, lists and memberships of every tenant arrive, each with its own fields."""
    assert sync().exit_code == 0
    assert_true(tables, world.sim)


@pytest.mark.whole
def test_quiet_sync_writes_no_row_and_no_history(vendor, world, sync, tables):
    """A run in which nothing changed leaves raw, core and the watermark as they were."""
    sync()
    before = tables.snapshot()
    states = tables.one(f"select count(*) from raw_{vendor}._dlt_pipeline_state")
    world.clock.advance(timedelta(hours=1))
    outcome = sync()
    assert outcome.exit_code == 0
    assert outcome.published.keys == {}
    assert tables.snapshot() == before
    assert tables.one(f"select count(*) from raw_{vendor}._dlt_pipeline_state") == states


def test_change_without_the_clock_moving_is_found(vendor, world, sync, tables):
    """Case 1: a second update in the same second is compared by content, not by stamp."""
    customer = world.any_customer()
    world.rename(customer, "First")
    sync()
    world.rename(customer, "Second")
    sync()
    assert_true(tables, world.sim)


def test_record_that_appears_late_is_still_loaded(vendor, world, sync, tables):
    """Case 3: vendors show an edit minutes after they stamp it; the lag must cover that."""
    world.rename(world.any_customer(), "Newest")
    sync()
    world.create(stamped=world.clock.now() - 9 * MINUTE)
    world.clock.advance(MINUTE)
    sync()
    assert_true(tables, world.sim)


def test_stamp_from_the_future_never_hides_an_ordinary_change(vendor, world, sync, tables):
    """Case 6: a record stamped eighteen hours ahead does not become the watermark."""
    world.create(stamped=world.clock.now() + timedelta(hours=18))
    sync()
    world.clock.advance(MINUTE)
    world.rename(world.any_customer(), "Ordinary")
    sync()
    assert_true(tables, world.sim)


@pytest.mark.parametrize("skew", [-10, 10])
def test_vendor_clock_that_differs_from_ours_loses_nothing(vendor, world, sync, tables, skew):
    """Case 9: watermarks are moments of the vendor's clock, wherever ours stands."""
    world.skew_ours(skew * MINUTE)
    sync(timing=world.our_timing)
    for name in ("One", "Two"):
        world.clock.advance(timedelta(seconds=30))
        world.rename(world.any_customer(), name)
        sync(timing=world.our_timing)
    assert_true(tables, world.sim)


def test_record_without_a_stamp_is_found_by_a_complete_scan(vendor, world, sync, tables):
    """Case 12: what cannot be placed in time is compared all the same."""
    customer = world.create(stamped=None)
    sync()
    world.change_silently(customer)
    sync(full=True)
    assert_true(tables, world.sim)


def test_deleted_customer_ends_and_a_restored_one_begins_anew(vendor, world, sync, tables):
    """Cases 28, 37: a deletion ends the history, a restore of the same opens a new one."""
    customer = world.any_customer()
    sync()
    world.delete(customer)
    world.clock.advance(MINUTE)
    sync(full=True)
    assert_true(tables, world.sim)
    world.restore(customer)
    world.clock.advance(MINUTE)
    sync(full=True)
    assert_true(tables, world.sim)
    spans = tables.rows(
        f"select valid_to is null from core.customer_history "
        f"where customer_id = '{customer[1]}' order by valid_from"
    )
    assert spans == [(False,), (True,)]


def test_members_swapped_one_for_one_are_noticed(vendor, world, sync, tables):
    """Case 29: an equal count of members proves nothing."""
    sync()
    world.swap_members(2)
    world.clock.advance(MINUTE)
    sync()
    assert_true(tables, world.sim)


def test_emptied_list_ends_all_its_memberships(vendor, world, sync, tables):
    """Case 32: a list that became empty is a scope like any other."""
    sync()
    world.empty_list()
    sync()
    assert_true(tables, world.sim)


def test_deleted_list_ends_with_its_memberships(vendor, world, sync, tables):
    """Case 34: a list that is gone takes its memberships with it."""
    sync()
    world.delete_list()
    sync()
    assert_true(tables, world.sim)


def test_rejoining_opens_a_second_interval(vendor, world, sync, tables):
    """Cases 14, 36: leave, then join again with the same content, though no stamp moves."""
    list_id, customer = world.any_membership()
    for act in (lambda: None, lambda: world.leave(list_id, customer),
                lambda: world.join(list_id, customer)):  # fmt: skip
        act()
        world.clock.advance(MINUTE)
        sync()
    spans = tables.rows(
        "select valid_to is null from core.membership_history "
        f"where customer_id = '{customer[1]}' and list_id = '{list_id}' order by valid_from"
    )
    assert spans == [(False,), (True,)]


@pytest.mark.whole
def test_erased_customer_is_in_no_table_and_stays_away(vendor, world, sync, tables):
    """Case 59: whichever column names a customer, and whatever the vendor says afterwards."""
    list_id, customer = world.any_membership()
    sync()
    assert any(customer[1] in row for row in tables.snapshot()["core.memberships"])
    world.leave(list_id, customer)
    sync()
    erase(vendor, [customer[1]], tenant=customer[0])
    world.rename(customer, "Again")
    world.join(list_id, customer)
    for full in (False, True):
        world.clock.advance(MINUTE)
        assert sync(full=full).exit_code == 0
        told = {
            name for name, rows in tables.snapshot().items() for row in rows if customer[1] in row
        }
        assert told == set()


def test_mass_removal_is_held_until_it_is_allowed(vendor, world, sync, tables):
    """Case 35: when most customers vanish at once, none is removed before a person agrees."""
    sync()
    before = tables.customers()
    world.delete_share(0.8)
    held = sync(full=True)
    assert (held.exit_code, held.status) == (5, "held")
    assert tables.customers() == before
    allowed = sync(allow_mass_delete=True, full=True)
    assert allowed.exit_code == 0
    assert_true(tables, world.sim)


def test_hidden_customers_are_not_deleted(vendor, world, sync, tables):
    """Case 35: a permission that shrinks answers 403, and 403 is not gone."""
    sync()
    before = tables.customers()
    world.hide(3)
    assert sync(full=True).exit_code == 0
    assert tables.customers() == before


def test_rebuild_changes_nothing(vendor, world, sync, tables):
    """Invariant 12: the incremental fold equals a rebuild."""
    from pipelines.sync import transform

    sync()
    for _ in range(3):
        world.shake()
        world.clock.advance(MINUTE)
        sync(full=True)
    before = history(tables)
    transform(rebuild=True)
    assert history(tables) == before


@pytest.mark.whole
def test_destination_restored_from_an_older_copy_leaves_no_hole(vendor, world, sync, tables):
    """Case 46: the watermark travels with the data, not with the worker."""
    sync()
    copy = tables.file.read_bytes()
    for share in (0, 1):
        # more than a page each, so that an increment from a newer watermark would miss the first
        world.change_many(30 * share, 30)
        world.clock.advance(timedelta(hours=3))
        sync()
    tables.file.write_bytes(copy)
    world.clock.advance(timedelta(hours=3))
    sync()
    assert_true(tables, world.sim)


@pytest.mark.whole
def test_lost_working_folder_costs_nothing(vendor, world, sync, tables, tmp_path):
    """Case 45: local state is a cache; only a rotated credential has no other home."""
    import shutil

    sync()
    for folder in (tmp_path / "data").iterdir():
        if folder.name != "credentials":
            shutil.rmtree(folder)
    world.shake(delete=False)
    world.clock.advance(MINUTE)
    sync()
    assert_true(tables, world.sim)


def test_every_rejected_value_is_told_and_none_is_shown(vendor, world, sync, tables):
    """Case 52: a bad value becomes NULL and a row of ops.rejects, without the value."""
    customer = world.spoil()
    sync()
    rows = tables.rows(
        f"select field, reason, value from ops.rejects where record_id = '{customer[1]}'"
    )
    assert rows
    assert all(value is None for _, _, value in rows)


def test_runs_and_scans_are_recorded(vendor, world, sync, tables):
    """Every run leaves its row, and one for each scan it made."""
    outcome = sync()
    assert tables.rows("select run_id, status, exit_code from ops.runs") == [
        (outcome.run_id, "ok", 0)
    ]
    scans = tables.rows("select complete, rows_seen >= rows_changed from ops.scans")
    assert len(scans) == len(outcome.reports)
    assert set(scans) == {(True, True)}
