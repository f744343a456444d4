"""What LOKE answers about one list or one customer concerns that one, and not the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from simulator import LokeSwitches, Simulator
from sources.errors import ContractError, Forbidden, Refused, Unavailable
from sources.loke.fields import SHAPES
from sources.patience import IN_A_ROW
from tests.conftest import MINUTE, assert_true, configure

pytestmark = pytest.mark.light


@pytest.fixture
def org(sim):
    """The large organisation."""
    return sim.loke.organizations[0]


@pytest.fixture
def lists(sim, org):
    """Its lists that have members, the largest first."""
    ids = [one for one in sim.loke.list_ids(org) if sim.loke.member_ids(org, one)]
    return sorted(ids, key=lambda one: -len(sim.loke.member_ids(org, one)))


def _leave(sim, org, list_id, count=1):
    """Take members off a list; return what must be gone from core."""
    gone = sim.loke.member_ids(org, list_id)[:count]
    for member in gone:
        sim.loke.remove_member(org, list_id, member)
    return {(org, list_id, member) for member in gone}


def _of(tables, list_id):
    return {row for row in tables.members() if row[1] == list_id}


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"status": 500}, Unavailable, 75),
        ({"body": b"<html>"}, ContractError, 4),
        ({"status": 403}, Forbidden, 3),
        ({"status": 404}, Unavailable, 75),
        ({"status": 410}, Unavailable, 75),
        ({"status": 400}, Refused, 4),
    ],
    ids=["500", "html", "403", "404", "410", "400"],
)
def test_list_that_fails_for_good_keeps_nobody_else_waiting(
    sim, sync, tables, clock, org, lists, fault, kind, code
):
    """Its memberships stand, the others are published run after run, and it is named."""
    sync()
    bad, good, last = lists[0], lists[1], lists[-1]
    before = _of(tables, bad)
    sim.fault(rf"customer-lists/{bad}/members", times=None, **fault)
    for _ in range(2):
        clock.advance(MINUTE)
        gone = _leave(sim, org, good) | _leave(sim, org, last)
        outcome = sync()
        assert (outcome.exit_code, outcome.status) == (code, "partial")
        assert [(type(e), bad in str(e)) for e in outcome.errors] == [(kind, True)]
        assert not gone & tables.members()
        assert _of(tables, bad) == before
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_list_that_is_neither_shown_nor_permitted_keeps_its_members(sim, sync, tables, org, lists):
    """Gone from the listing, 403 on its own address: not known, so it stands, and is told."""
    sync()
    hidden, other = lists[0], lists[1]
    before = _of(tables, hidden)
    sim.loke.delete_list(org, hidden)
    sim.fault(rf"customer-lists/{hidden}(/members)?$", times=None, status=403)
    gone = _leave(sim, org, other)
    outcome = sync()
    assert (outcome.exit_code, outcome.status) == (3, "partial")
    assert hidden in str(outcome.errors[0])
    assert _of(tables, hidden) == before
    assert not gone & tables.members()


def test_list_that_is_not_shown_but_exists_is_read(sim, sync, tables, clock, org, lists):
    """A listing that forgets a list does not freeze its members."""
    sync()
    unlisted, entries = lists[0], sim.loke.world[org].lists
    gone, kept = _leave(sim, org, unlisted), entries[unlisted]
    held = {}
    sim.before(r"customer-lists$", 1, lambda: held.update({unlisted: entries.pop(unlisted)}))
    sim.before(rf"customer-lists/{unlisted}$", 1, lambda: entries.update(held))
    clock.advance(MINUTE)
    assert sync().exit_code == 0
    assert kept is entries[unlisted]
    assert not gone & tables.members()
    assert_true(tables, sim)


def test_customer_we_may_not_see_has_not_left_a_list(sim, sync, tables, org, lists):
    """Missing from a list, 403 on its memberships: it stays on; others who left are removed."""
    sync()
    kept = _leave(sim, org, lists[0])
    ((_, _, customer),) = kept
    sim.fault(rf"customers/{customer}/memberships", times=None, status=403)
    for list_id in lists[1:]:
        sim.loke.add_member(org, list_id, customer)
    gone = _leave(sim, org, lists[1])
    assert sync().exit_code == 0
    assert kept <= tables.members()
    assert not (gone - kept) & tables.members()


def test_vendor_that_is_down_is_not_asked_list_by_list(sim, sync, tables, org):
    """After so many failures in a row the rest is left for the next run, and the scan ends."""
    for number in range(20):
        sim.loke.create_list(org, f"L{number}", sim.loke.customer_ids(org)[:3])
    sync()
    before = tables.members()
    sim.fault(rf"{org}/customer-lists/\w+/members", times=None, status=500)
    outcome = sync()
    assert outcome.exit_code == 75
    assert len(outcome.errors) == IN_A_ROW + 1
    assert sim.count(rf"{org}/customer-lists/\w+/members") < 5 * (IN_A_ROW + 4)
    assert tables.members() == before
    sim.clear()
    assert sync().exit_code == 0


def test_wait_beyond_the_runs_allowance_is_a_checkpoint_not_a_failed_list(
    sim, sync, tables, org, lists
):
    """Case 54: the vendor asks for an hour; lists that are read are not read again."""
    sync()
    last = sim.loke.list_ids(org)[-1]
    sim.fault(rf"{last}/members", times=None, status=429, headers={"retry-after": "3600"})
    outcome = sync()
    assert outcome.exit_code == 75
    assert "may be asked again at" in str(outcome.errors[0])
    sim.clear()
    gone = _leave(sim, org, last)
    assert sync().exit_code == 0
    assert sim.count(rf"{org}/customer-lists/\w+/members") < len(sim.loke.list_ids(org))
    assert not gone & tables.members()


@pytest.fixture
def many(project, clock, monkeypatch):
    """An organisation of 78 lists, each with members."""
    made = Simulator(
        customers=100, clock=clock, loke=LokeSwitches(page_size=100), organizations=1, lists=78,
        members_per_list=4,
    )  # fmt: skip
    configure(made, monkeypatch)
    return made


@pytest.mark.parametrize("when", ["before", "while"])
def test_members_of_lists_that_vanish_by_the_dozen_are_held_with_them(many, tables, clock, when):
    """The guard holds the lists, so it holds their members, in every run until it is allowed."""
    from pipelines.sync import sync as run
    from sources.throttle import Timing

    def sync(**options):
        timing = Timing(clock.now, clock.sleep)
        return run(["loke"], timing=timing, transport=many.transport(), **options)

    sync()
    before, (org,) = tables.members(), many.loke.organizations
    lists = many.loke.world[org].lists
    if when == "before":
        lists.clear()
    else:
        many.before(r"/members$", 1, lists.clear)
    for _ in range(2):
        held = sync()
        assert (held.exit_code, held.status) == (5, "held")
        plan = next(each for each in held.held if each.resource == "customer_list_members")
        assert (len(plan.missing), plan.alive) == (len(before), len(before))
        assert tables.members() == before
    assert sync(allow_mass_delete=True).exit_code == 0
    assert tables.members() == set()
    assert tables.one("select count(*) from core.lists") == 0


def test_members_are_held_though_few_of_the_vanished_lists_have_any(sim, sync, tables, org, lists):
    """Sixty empty lists vanish with a full one: it is the number of lists that is not believed."""
    for number in range(60):
        sim.loke.create_list(org, f"Empty {number}")
    sync()
    before = tables.members()
    for list_id in [one for one in sim.loke.list_ids(org) if one not in lists[1:]]:
        sim.loke.delete_list(org, list_id)
    assert sync().exit_code == 5
    assert tables.members() == before


def test_few_vanished_lists_end_with_their_members(sim, sync, tables, org, lists):
    """Below the guard a deleted list ends at once, after its own address has said 404."""
    sync()
    for list_id in lists[:2]:
        sim.loke.delete_list(org, list_id)
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_list_deleted_while_its_removals_are_confirmed_ends(sim, sync, tables, org, lists):
    """Case 34, one step later: the second reading says 404, and so does the list."""
    sync()
    _leave(sim, org, lists[0], 15)
    sim.before(rf"{lists[0]}/members", 2, lambda: sim.loke.delete_list(org, lists[0]))
    assert sync().exit_code == 0
    assert not _of(tables, lists[0])


@pytest.mark.parametrize("status", [404, 410])
def test_member_who_is_gone_has_left_every_list(sim, sync, tables, org, lists, status):
    """A missing member's own address may say so in either way."""
    sim.loke.switches.gone_status = status
    sync()
    member = sim.loke.member_ids(org, lists[0])[0]
    sim.loke.delete_customer(org, member)
    outcome = sync()
    assert (outcome.exit_code, outcome.errors) == (0, [])
    assert sim.count(rf"{member}/memberships")
    assert member not in {row[2] for row in tables.members()}


def test_confirmation_that_fails_removes_nobody_from_that_list(sim, sync, tables, org, lists):
    """A second reading that never comes leaves its list alone; other removals are applied."""
    sync()
    kept, gone = _leave(sim, org, lists[0], 15), _leave(sim, org, lists[1])
    sim.fault(rf"{lists[0]}/members", nth=2, times=None, status=500)
    assert sync().exit_code == 75
    assert kept <= tables.members()
    assert not gone & tables.members()
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_organisation_uninstalled_while_it_is_read_loses_no_membership(sim, sync, tables, org):
    """When all of it answers 404 from one moment on, no list is taken to be deleted."""
    sync()
    before = tables.members()
    sim.before(
        rf"{org}/customer-lists/\w+/members",
        1,
        lambda: sim.fault(rf"{org}/", times=None, status=404),
    )
    assert sync().exit_code == 4
    assert tables.members() == before


@pytest.mark.parametrize(("status", "code"), [(500, 75), (409, 4)])
def test_one_customer_nobody_can_ask_for_does_not_hold_up_the_account(
    sim, sync, tables, org, status, code
):
    """It stays until a complete scan can ask; deletions and changes of others are published."""
    sync()
    ghost, gone, changed, *_ = sim.loke.customer_ids(org)
    sim.loke.delete_customer(org, ghost)
    sim.loke.delete_customer(org, gone)
    sim.loke.update_customer(org, changed, lastName="Changed")
    sim.fault(rf"customers/{ghost}$", times=None, status=status)
    outcome = sync(full=True)
    assert outcome.exit_code == code
    assert (org, ghost) in tables.customers()
    assert (org, gone) not in tables.customers()
    assert tables.rows(f"select 1 from core.customers where customer_id = '{changed}' "
                       "and last_name = 'Changed'")  # fmt: skip
    kinds = {(r.tenant_id, r.resource): r.kind for r in sync().reports}
    assert kinds[org, "customers"] == "incremental"
    sim.clear()
    assert sync(full=True).exit_code == 0
    assert_true(tables, sim)


def test_vendor_that_is_down_when_absences_are_confirmed_is_owed_a_complete_scan(
    sim, sync, tables, clock, org
):
    """Nobody is removed, not all are asked for, and the next run reads everything again."""
    sync()
    for customer_id in sim.loke.customer_ids(org)[:40]:
        sim.loke.delete_customer(org, customer_id)
    sim.fault(rf"{org}/customers/\w+$", times=None, status=500)
    before = tables.customers()
    clock.advance(timedelta(hours=25))
    assert sync().exit_code == 75
    assert tables.customers() == before
    assert sim.count(rf"{org}/customers/\w+$") < 5 * 40
    sim.clear()
    assert sync().exit_code == 0
    assert_true(tables, sim)


def test_every_field_says_where_it_is_to_be_found_in_core():
    """Each documented and each cleaned column names a column of core, or why there is none."""
    from transforms.model import ENTITIES, columns

    there = {f"{e.view}.{c.name}" for e in ENTITIES for c in columns(f"core/{e.history}")}
    for shape in SHAPES:
        for each in (*shape.fields, *shape.derived):
            assert each.core in there or each.core.startswith("none: "), each.column
