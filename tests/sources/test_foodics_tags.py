"""Foodics' tags: attaching one moves no stamp, so each tag's own count is compared with ours."""

from __future__ import annotations

import logging

import pytest

from tests.sources.foodics import DETAIL, LIST, TAGGED, TAGS, Foodics


@pytest.fixture
def foodics(tmp_path):
    """An account that was synced, whose tags move no stamp."""
    made = Foodics(tmp_path)
    assert made.sync() == 0
    return made


def a_tag(foodics):
    """Return the tag most have, who has it, and who has not."""
    tags = foodics.foodics.tag_ids(foodics.tenant)
    tag = max(tags, key=lambda one: len(foodics.foodics.tagged_ids(foodics.tenant, one)))
    on_it = foodics.foodics.tagged_ids(foodics.tenant, tag)
    return tag, on_it, [one for one in foodics.ids if one not in on_it]


def attach(foodics, tag, *customer_ids):
    """Give customers a tag, in silence."""
    for each in customer_ids:
        foodics.foodics.attach(foodics.tenant, tag, each)


def detach(foodics, tag, *customer_ids):
    """Take a tag from customers, in silence."""
    for each in customer_ids:
        foodics.foodics.detach(foodics.tenant, tag, each)


def test_silent_attach_and_detach_are_found_by_the_next_sync(foodics):
    """Case 14: one page of who has the tag, and a question for each who has it no more."""
    tag, on_it, others = a_tag(foodics)
    attach(foodics, tag, *others[:3])
    assert foodics.later() == 0
    assert (foodics.count(TAGGED), foodics.count(DETAIL)) == (2, 0)
    foodics.assert_true()
    detach(foodics, tag, *on_it[:2])
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 2
    foodics.assert_true()
    assert foodics.later() == 0
    assert foodics.count(TAGGED) == 0


def test_silent_swap_is_found_by_the_complete_scan(foodics):
    """An equal count hides it until then."""
    tag, on_it, others = a_tag(foodics)
    attach(foodics, tag, others[0])
    detach(foodics, tag, on_it[0])
    assert foodics.later() == 0
    assert foodics.count(TAGGED) == 0
    foodics.assert_settles()


def test_emptied_tag_loses_everybody(foodics):
    """Nobody is on a page that is empty, and nobody is left."""
    tag, on_it, _ = a_tag(foodics)
    detach(foodics, tag, *on_it)
    assert foodics.later() == 0
    foodics.assert_true()
    assert (foodics.tenant, tag) not in {one[:2] for one in foodics.members()}


def test_deleted_tag_ends_with_its_memberships(foodics):
    """Its customers' stamps do not move, and nobody is asked for."""
    tag, on_it, _ = a_tag(foodics)
    foodics.foodics.delete_tag(foodics.tenant, tag)
    assert len(on_it) > 3
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 0
    foodics.assert_true()


def test_tag_that_is_hidden_keeps_its_members(foodics):
    """A tag that is not listed, but is there by its own address, ends nothing."""
    tag, _, _ = a_tag(foodics)
    before = foodics.members()
    foodics.sim.fault(
        r"GET /foodics/v5/tags\?", times=None, body=lambda body: body.replace(tag.encode(), b"9")
    )
    assert foodics.later() == 0
    assert foodics.members() == before


def test_renamed_tag_keeps_its_members_and_their_intervals(foodics):
    """The name is the tag's, not the membership's."""
    tag, on_it, _ = a_tag(foodics)
    before = foodics.rows("select * from core.membership_history order by all")
    foodics.foodics.rename_tag(foodics.tenant, tag, "New name")
    assert foodics.later() == 0
    foodics.assert_true()
    foodics.set(on_it[0], name="Touched")
    assert foodics.later() == 0
    foodics.assert_true()
    assert foodics.rows("select * from core.membership_history order by all") == before


def test_tag_of_nobody_is_a_list_without_members(foodics):
    """It is created, stays and goes like any other."""
    tag = foodics.foodics.create_tag(foodics.tenant, "Nobody yet")
    assert foodics.later() == 0
    foodics.assert_true()
    foodics.foodics.delete_tag(foodics.tenant, tag)
    assert foodics.later() == 0
    foodics.assert_true()


@pytest.mark.parametrize("pages", [1, 200])
def test_count_that_always_differs_is_asked_about_once(tmp_path, pages):
    """A vendor that counts seven too many does so every time; one fewer is news.

    What is known of it outlives the parts that end while it is looked into.
    """
    foodics = Foodics(tmp_path, tags_count="stale")
    assert foodics.sync(pages=pages) == 0
    assert foodics.count(TAGGED) > 0
    for _ in range(2):
        assert foodics.later() == 0
        assert foodics.count(TAGGED) == 0
    tag, on_it, others = a_tag(foodics)
    detach(foodics, tag, on_it[0])
    assert foodics.later() == 0
    foodics.assert_true()
    attach(foodics, tag, others[0])
    assert foodics.later() == 0
    foodics.assert_true()


def test_counts_that_are_missing_leave_silent_changes_to_the_complete_scan(tmp_path):
    """Without a count there is nothing to compare, and no question is wasted."""
    foodics = Foodics(tmp_path, tags_count="missing")
    assert foodics.sync() == 0
    tag, on_it, _ = a_tag(foodics)
    detach(foodics, tag, on_it[0])
    assert foodics.later() == 0
    assert foodics.count(TAGGED) == 0
    foodics.assert_settles()


@pytest.mark.parametrize("change", [attach, detach])
def test_tags_that_are_not_included_remove_nobody(foodics, caplog, change):
    """Case 15: a record without the key says nothing, and is asked no further; said once a scan."""
    tag, on_it, others = a_tag(foodics)
    before = foodics.members()
    foodics.turn(include_ignored=True)
    change(foodics, tag, (others if change is attach else on_it)[0])
    foodics.set(on_it[1], name="Touched")
    with caplog.at_level(logging.INFO, "regulars"):
        assert foodics.later() == 0
    assert foodics.members() == before
    assert foodics.count(DETAIL) == 0
    assert caplog.text.count("customer_tags: not every record names them") == 1
    assert foodics.later() == 0
    assert foodics.count(TAGGED) == 0
    assert foodics.later(full=True) == 0
    assert foodics.members() == before
    foodics.turn(include_ignored=False)
    foodics.assert_settles()


def test_tag_filter_that_does_nothing_is_not_read_to_its_end(foodics):
    """A first page with somebody who has not the tag shows that it would be everybody."""
    tag, on_it, _ = a_tag(foodics)
    detach(foodics, tag, on_it[0])

    def everybody(body):
        return foodics.sim.foodics.respond(_request(foodics)).body

    foodics.sim.fault(TAGGED, times=None, body=everybody)
    assert foodics.later() == 0
    assert foodics.count(TAGGED) <= 2  # of four; one is under way while one is looked at
    assert foodics.count(DETAIL) == 0
    foodics.sim.clear()
    foodics.assert_settles()


def _request(foodics):
    from simulator.messages import Request

    token = foodics.foodics.token(foodics.tenant)
    query = "sort=created_at&include=tags,addresses"
    headers = {"authorization": f"Bearer {token}"}
    return Request("GET", "/foodics/v5/customers", query, headers, b"")


def test_many_who_are_not_on_their_tag_any_more_are_left_to_the_complete_scan(tmp_path):
    """Nobody is asked for one by one where the list may have been cut."""
    foodics = Foodics(tmp_path, 80, page_size=50)
    tag = foodics.foodics.tag_ids(foodics.tenant)[0]
    attach(foodics, tag, *(one for one in foodics.ids if tag not in _tags(foodics, one)))
    assert foodics.sync() == 0
    detach(foodics, tag, *foodics.ids[:70])
    assert foodics.later() == 0
    assert foodics.count(DETAIL) == 0
    assert len([one for one in foodics.members() if one[1] == tag]) == 80
    foodics.assert_settles()


def _tags(foodics, customer_id):
    return [tag["id"] for tag in foodics.of(customer_id)["tags"]]


def test_tags_that_may_not_be_read_leave_customers_and_memberships_whole(foodics):
    """Without the scope general.read customers go on; the run ends 3."""
    before = foodics.members()
    foodics.turn(scopes=[one for one in foodics.foodics.switches.scopes if one != "general.read"])
    foodics.set(foodics.ids[0], name="Changed")
    assert foodics.later() == 3
    assert foodics.report().complete
    assert foodics.members() == before
    assert foodics.one("select count(*) from core.customers where full_name = 'Changed'") == 1


def test_customers_that_may_not_be_read_leave_tags_whole(foodics):
    """Without the scope customers.list tags go on; the run ends 3 and removes nobody."""
    foodics.turn(scopes=["general.read"])
    foodics.foodics.create_tag(foodics.tenant, "New")
    assert foodics.later(full=True) == 3
    assert foodics.report("tags").complete
    assert not foodics.report().complete
    assert foodics.removed() == []
    assert len(foodics.rows("from core.lists where name = 'New'")) == 1


def test_tags_are_asked_for_once_a_sync(foodics):
    """The list of tags and the comparison share one answer."""
    assert foodics.later(full=True) == 0
    assert foodics.count(TAGS) == 1
    assert foodics.count(LIST) == 6
