"""A scan's memory against the plainest one there is: a few dictionaries."""

from __future__ import annotations

from zlib import crc32

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.known import HEAD
from sources.scratch import Scratch

# The first two have one checksum.
_IDS = ("plumless", "buckeroo", "1", "é")
_KEYS = st.tuples(st.sampled_from(["", "list"]), st.sampled_from(_IDS))
_HELD = st.dictionaries(
    _KEYS, st.tuples(st.sampled_from("ab"), st.sampled_from(["upsert", "delete"]))
)
_RECORDS = st.lists(st.tuples(_KEYS, st.sampled_from(["a", "b", None])), min_size=1, max_size=9)


def _learned(held):
    scratch = Scratch(None)
    rows = [(scope, one, mark, op) for (scope, one), (mark, op) in held.items()]
    columns = zip(*rows, strict=True) if rows else [[]] * len(HEAD)
    scratch.learn(pa.table([pa.array(each, pa.string()) for each in columns], list(HEAD)))
    return scratch


def test_ids_of_one_checksum_are_two():
    """What finds a record quickly is not what it is."""
    assert crc32(_IDS[0].encode()) == crc32(_IDS[1].encode())
    scratch = Scratch(None)
    for at, one in enumerate(_IDS[:2]):
        assert scratch.changed([""], [one], [f"{at}"], 1).places == [0]
    assert scratch.changed([""] * 2, _IDS[:2], ["0", "new"], 2).places == [1]
    assert scratch.hashes(_IDS, seen=True) == {"plumless": "0", "buckeroo": "new"}
    assert (scratch.seen(""), scratch.seen_in("")) == (2, ["plumless", "buckeroo"])


@settings(max_examples=150, deadline=None)
@given(held=_HELD, batches=st.lists(_RECORDS, max_size=4), unread=st.sets(st.sampled_from(_IDS)))
def test_memory_answers_as_dictionaries_would(held, batches, unread):
    """What is new, who was met, who is missing: of all keys, in whatever order they come."""
    scratch = _learned(held)
    alive = {key: mark for key, (mark, op) in held.items() if op == "upsert"}
    seen = {}
    for batch in batches:
        last = {key: at for at, (key, _) in enumerate(batch)}
        scopes, ids = zip(*(key for key, _ in batch), strict=True)
        told = scratch.changed(scopes, ids, [mark for _, mark in batch], 1)
        news = [at for key, at in last.items() if seen.get(key, alive.get(key)) != batch[at][1]]
        assert told.places == sorted(news)
        assert told.met == {ids[at] for at in news if batch[at][0] in seen.keys() | alive.keys()}
        seen |= {key: batch[at][1] for key, at in last.items()}
    scratch.see(sorted(unread), 1)
    of_no_scope = {one: mark for (scope, one), mark in alive.items() if not scope}
    seen = {("", one): of_no_scope[one] for one in unread & of_no_scope.keys()} | seen
    for scope in ("", "list"):
        ours = {one for where, one in seen if where == scope}
        assert scratch.seen(scope) == len(ours)
        assert set(scratch.seen_in(scope)) == ours
        were = {one for where, one in alive if where == scope}
        assert scratch.missing(scope) == sorted(were - ours)
    marks = {one: mark or "" for (scope, one), mark in seen.items() if not scope}
    assert scratch.hashes(_IDS, seen=True) == marks


@pytest.mark.parametrize("scope", ["", "list"])
def test_what_is_forgotten_of_a_scope_is_known_and_not_seen(scope):
    """A scope that is read from its start is compared with what was logged of it."""
    scratch = _learned({})
    scratch.changed([scope, "other"], ["1", "1"], ["a", "a"], 1)
    scratch.forget_seen(scope)
    assert (scratch.seen(scope), scratch.seen("other"), scratch.missing(scope)) == (0, 1, ["1"])
    assert scratch.changed([scope], ["1"], ["a"], 1).places == []
