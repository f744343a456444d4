"""Lists that are only a text on the customer: the exact text is the list."""

from __future__ import annotations

import pytest

from tests.sources.collins_bench import TENANT
from tests.sources.collins_bench import Bench as Collins
from tests.sources.kounta import COMPANY, Kounta

# Case, comma, both spellings of one accent, emoji, blanks, another script: each its own list.
TEXTS = ["VIP", "vip", "A,B", "A", "B", "Caf\u00e9", "Cafe\u0301", "🍷", " Staff ", "Staff", "مقهى"]


class _Tags:
    """Tags at Kounta, where only full records tell them."""

    def __init__(self, folder):
        self.bench = Kounta(folder, customers=30)

    def put(self, customer_id, texts):
        self.bench.kounta.set_tags(COMPANY, customer_id, texts)

    def rename(self, old, new):
        self.bench.kounta.rename_tag(COMPANY, old, new)

    def on(self, text):
        return {key[2] for key in self.bench.members() if key[1] == text}


class _Labels:
    """Labels at Collins, moved without their customers' stamps."""

    def __init__(self, folder):
        self.bench = Collins(folder, customers=30)

    def put(self, customer_id, texts):
        self.bench.vendor.set_labels(TENANT, customer_id, texts, _touch=False)

    def rename(self, old, new):
        self.bench.vendor.rename_label(TENANT, old, new)

    def on(self, text):
        return {key[1] for key in self.bench.members("customer_labels") if key[0] == text}


@pytest.mark.parametrize("vendor", [_Tags, _Labels])
def test_list_is_the_exact_text_through_swaps_and_renames(vendor, tmp_path):
    """Case 38: alike is not the same, a rename is another list, an equal count proves nothing."""
    world = vendor(tmp_path)
    ids = world.bench.ids
    for at, each in enumerate(ids):
        world.put(each, [TEXTS[at % len(TEXTS)], TEXTS[(at + 1) % len(TEXTS)]])
    assert world.bench.sync() == 0
    world.bench.assert_true()
    assert all(len(world.on(text)) >= 4 for text in TEXTS)
    vip, small, renamed = (world.on(text) for text in ("VIP", "vip", "Cafe\u0301"))
    one, other = min(vip - small), min(small - vip)
    world.put(one, ["vip"])
    world.put(other, ["VIP"])
    world.rename("Cafe\u0301", "Cafe")
    assert world.bench.sync(full=True) == 0
    world.bench.assert_true()
    assert (one in world.on("vip"), other in world.on("VIP")) == (True, True)
    assert (world.on("Cafe\u0301"), world.on("Cafe")) == (set(), renamed)
