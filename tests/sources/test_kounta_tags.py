"""Kounta's tags are only texts on the customer: the exact text is the list."""

from __future__ import annotations

from tests.sources.kounta import COMPANY, Kounta

# Case, comma, both spellings of one accent, emoji, blanks, another script: each its own list.
TEXTS = [
    "VIP", "vip", "A,B", "A", "B", "Caf\u00e9", "Cafe\u0301", "🍷", " Staff ", "Staff",
    "\u0645\u0647",
]  # fmt: skip


def test_list_is_the_exact_text_through_swaps_and_renames(tmp_path):
    """Case 38: alike is not the same, a rename is another list, an equal count proves nothing."""
    bench = Kounta(tmp_path, customers=30)

    def on(text):
        return {key[2] for key in bench.members() if key[1] == text}

    for at, each in enumerate(bench.ids):
        tags = [TEXTS[at % len(TEXTS)], TEXTS[(at + 1) % len(TEXTS)]]
        bench.kounta.set_tags(COMPANY, each, tags)
    bench.sync()
    bench.assert_true()
    assert all(len(on(text)) >= 4 for text in TEXTS)
    vip, small, renamed = on("VIP"), on("vip"), on("Cafe\u0301")
    one, other = min(vip - small), min(small - vip)
    bench.kounta.set_tags(COMPANY, one, ["vip"])
    bench.kounta.set_tags(COMPANY, other, ["VIP"])
    bench.kounta.rename_tag(COMPANY, "Cafe\u0301", "Cafe")
    assert bench.sync(full=True) == 0
    bench.assert_true()
    assert one in on("vip")
    assert other in on("VIP")
    assert (on("Cafe\u0301"), on("Cafe")) == (set(), renamed)
