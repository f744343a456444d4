"""Collins' pages, which move while they are read, end too early, or are too many."""

from __future__ import annotations

from itertools import count

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.collins import reading
from tests.conftest import EXAMPLES
from tests.sources.collins_bench import TENANT, Bench

LIST = r"/customers\?"


def _front(bench, stamp):
    """Return ids newest first by a stamp; who has none stands last."""
    at = {one: bench.vendor.customer(TENANT, one).get(stamp) or "" for one in bench.ids}
    return sorted(at, key=lambda one: at[one], reverse=True)


def _create(bench, many):
    for _ in range(many):
        bench.create(associated_venues=[])


def _touch(bench, ids):
    for customer_id in ids:
        bench.change(customer_id, last_name=f"Touched at {bench.clock.now()}")


ACTS = {
    "one read goes": lambda bench, order: bench.delete(order[0]),
    "four read go": lambda bench, order: bench.delete(*order[:4]),
    "a page of them goes": lambda bench, order: bench.delete(*order[:10]),
    "one unread goes": lambda bench, order: bench.delete(order[45]),
    "one unread is touched": lambda bench, order: _touch(bench, order[44:45]),
    "four read are touched": lambda bench, order: _touch(bench, order[2:6]),
    "one comes": lambda bench, _: _create(bench, 1),
    "a page of them comes": lambda bench, _: _create(bench, 10),
    "one goes, another comes": lambda bench, order: (bench.delete(order[0]), _create(bench, 1)),
}


def _assert_nobody_lost(bench, before):
    """Assert that a quiet run later all are there, and only those gone were called so."""
    bench.sim.clear_faults()
    bench.later(hours=1)
    assert bench.sync() == 0
    assert bench.lost() == set()
    assert bench.removed() <= before - set(bench.ids)


@pytest.mark.parametrize("act", ACTS)
def test_change_while_a_complete_scan_reads_pages_loses_nobody(act):
    """Cases 17, 18: whatever moves between two pages, the next run at the latest has it."""
    for nth in (2, 5):
        bench = Bench(customers=60, page_size=10)
        bench.strip()
        before, order = set(bench.ids), _front(bench, "created_date")
        bench.sim.before(LIST, nth, lambda b=bench, o=order: ACTS[act](b, o))
        assert bench.sync() == 0
        _assert_nobody_lost(bench, before)


@pytest.mark.parametrize("act", ACTS)
def test_change_while_an_increment_reads_pages_loses_nobody(act):
    """Case 5: what is touched while an increment runs is found, before or behind where it reads."""
    bench = Bench(customers=60, page_size=10)
    bench.sync()
    for customer_id in bench.ids[:46]:
        bench.later(seconds=1)
        bench.change(customer_id, first_name="Once")
    before, order = set(bench.ids), _front(bench, "last_updated")
    bench.sim.before(LIST, 3, lambda: ACTS[act](bench, order))
    bench.later(minutes=1)
    assert bench.sync() == 0
    _assert_nobody_lost(bench, before)


def test_customer_that_comes_back_where_it_was_is_found_by_a_second_round():
    """Among those who were read already stands one more: counted, not seen, and read again for."""
    bench = Bench(customers=60, page_size=10)
    bench.strip()
    back = _front(bench, "created_date")[15]
    bench.delete(back)
    bench.sim.before(LIST, 4, lambda: bench.vendor.restore_customer(TENANT, back))
    assert bench.sync() == 0
    bench.assert_true()


WAYS = {
    "page_size": st.sampled_from([5, 10, 30]),
    "beyond_last": st.sampled_from(["empty", "error", "last"]),
    "ties": st.sampled_from(["stable", "shuffled"]),
    "null_last": st.booleans(),
    "sort_ignored": st.booleans(),
    "filter_ignored": st.booleans(),
    "filter_zone": st.sampled_from(["UTC", "America/Los_Angeles"]),
}


@settings(max_examples=EXAMPLES or 8, derandomize=True, deadline=None, database=None)
@given(
    switches=st.fixed_dictionaries({}, optional=WAYS),
    acts=st.lists(st.tuples(st.integers(1, 12), st.sampled_from(sorted(ACTS))), max_size=3),
    most=st.sampled_from([30, 9000]),
    pages=st.sampled_from([1, 200]),
)
def test_any_changes_at_any_pages_lose_nobody_whichever_way_the_vendor_is(
    switches, acts, most, pages
):
    """A complete scan and an increment while all moves, a quiet run: nobody is lost or invented."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "MOST", most)
        bench = Bench(customers=60, **switches)
        bench.strip()
        before = set(bench.ids)
        for at, (nth, act) in enumerate(acts):
            order = bench.ids[at * 10 :] + bench.ids[: at * 10]
            bench.sim.before(LIST, nth, lambda o=order, act=act: ACTS[act](bench, o))
        bench.sync(pages=pages)
        bench.later(minutes=7)
        bench.sync(pages=pages)
        _assert_nobody_lost(bench, before)
        assert bench.sync(full=True) == 0
        bench.assert_true()


def test_customers_that_never_stand_still_are_read_again_by_the_next_run(caplog):
    """Each page has another total: 75 after three rounds, what was seen stays, none is removed."""
    bench = Bench(customers=60, page_size=5)
    bench.sync()
    full_at = bench.state["customers"]["tenants"][TENANT]["full_at"]
    newest, *hidden = _front(bench, "created_date")[:9]
    turns = count()
    bench.change(newest, last_name="Changed")

    def move():
        bench.vendor.unhide(TENANT) if next(turns) % 2 else bench.vendor.hide(TENANT, hidden)

    bench.sim.before(LIST, None, move)
    bench.later(hours=25)
    assert bench.sync() == 75
    assert "moved between pages" in str(bench.job.errors[0])
    assert bench.removed() == set()
    assert bench.state["customers"]["tenants"][TENANT]["full_at"] == full_at
    assert newest not in bench.lost()
    bench.sim.clear_faults()
    bench.vendor.unhide(TENANT)
    assert bench.sync() == 0
    assert bench.report().kind == "full"
    bench.assert_true()


def test_empty_page_in_the_middle_is_not_the_end():
    """Case 20: a page that holds nothing, of a list that goes on, costs no customer."""
    bench = Bench(customers=60, page_size=10)
    bench.strip()
    bench.sim.fault(f"{LIST}.*page=3", body='{"customers":[]}')
    assert bench.sync() == 0
    bench.assert_true()


def test_total_that_one_answer_leaves_out_is_not_taken_for_none():
    """Where one page tells no total, what others told is still compared with what was seen."""
    bench = Bench(customers=60, page_size=10)
    bench.strip()
    gone = _front(bench, "created_date")[:3]
    bench.sim.before(f"{LIST}.*page=3", 1, lambda: bench.delete(*gone))
    nothing = {f"x-pagination-{name}": None for name in ("total-results", "total-pages")}
    bench.sim.fault(f"{LIST}.*page=3", headers=nothing)
    assert bench.sync() == 0
    assert bench.lost() == set()


@pytest.mark.parametrize("totals", ["headers", "missing"])
def test_vendor_that_turns_no_pages_is_a_broken_promise(totals):
    """Case 19: every page is the first; nothing of it is taken for the whole."""
    bench = Bench(customers=60, totals=totals)
    first = []

    def page(body):
        first.append(body)
        return first[0]

    def of_one(_):
        return orjson.dumps({"customers": orjson.loads(first[0])["customers"][:1]})

    bench.sim.fault(r"/customers\?limit=30", times=None, body=page)
    bench.sim.fault(r"/customers\?limit=1&", times=None, body=of_one)
    assert bench.sync() == 4
    assert bench.rows() == {}
