"""Who a complete scope may be found to lack."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa

from sources.removal import end_scope
from sources.scratch import Scratch


def test_erased_customer_is_never_missed():
    """Case 59: not even by a list that is begun again, which takes what it saw for known."""
    scratch = Scratch(None)
    heads = {"scope": ["list"], "id": ["left"], "hash": ["1:a"], "op": ["upsert"]}
    scratch.learn(pa.table(heads))
    scratch.changed(["list", "list"], ["erased", "stays"], ["1:b", "1:c"], 1)
    scratch.forget_seen("list")
    scratch.changed(["list"], ["stays"], ["1:c"], 1)
    asked: list[str] = []
    scan = SimpleNamespace(
        flush=lambda: None,
        scratch=scratch,
        erased={"erased"},
        job=SimpleNamespace(allow_mass_delete=True),
        report=SimpleNamespace(rows_removed=0),
    )
    end_scope(scan, lambda ids: iter(asked.extend(ids) or ()), scope="list")  # type: ignore[arg-type, func-returns-value]
    assert asked == ["left"]
