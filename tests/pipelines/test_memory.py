"""A publish that needs more memory than is usual gets it, and nothing is lost on the way."""

from __future__ import annotations

import logging

from tests.conftest import assert_true


def test_publish_out_of_memory_is_tried_with_more(sim, sync, tables, monkeypatch, caplog):
    """Too tight a memory limit costs a second try, not the run."""
    caplog.set_level(logging.INFO, "regulars")
    sync()
    org = sim.loke.organizations[0]
    for _ in range(3):
        sim.loke.touch(org, 90)
        sync(full=True)
    monkeypatch.setenv("DESTINATION__WAREHOUSE__MEMORY_LIMIT", "1200KB")
    sim.loke.create_customer(org)
    from pipelines.sync import transform

    assert transform(rebuild=True).exit_code == 0
    assert "publishing again with a memory limit" in caplog.text
    monkeypatch.delenv("DESTINATION__WAREHOUSE__MEMORY_LIMIT")
    sync()
    assert_true(tables, sim)
