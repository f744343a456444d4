"""Runs commands in processes that die where they are told to.

`python -m tests.crash.child` imports everything once, then forks for each line it reads, so that a
process of its own costs milliseconds. A line is JSON: `argv`, `env`, and where to die: `point` (a
name of `POINTS`), `moment` (before or after), `nth`. It answers with the process id, then with
the exit status, each on a line; `calls` names a file the counts of all points are written to.

The product knows nothing of this: what is fatal is put around its functions from outside.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

POINTS = {
    "request": "one HTTP exchange",
    "token": "a rotated refresh token is stored",
    "checkpoint": "a checkpoint is saved beside the part it belongs to",
    "extract": "dlt extracts a part",
    "normalize": "dlt normalises it",
    "job": "one file is loaded",
    "load": "dlt loads the package",
    "base": "the state it stands on is noted",
    "statement": "one statement inside the publish transaction",
    "rows": "the run's own rows are inserted, in that transaction",
    "commit": "a transaction is committed",
    "publish": "the whole of publishing",
    "plans": "held removals are noted",
}


def _places() -> dict[str, tuple[Any, str]]:
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    from dlt.destinations.impl.duckdb.sql_client import DuckDbSqlClient
    from dlt.pipeline.pipeline import Pipeline

    import pipelines.land
    import pipelines.publishing
    import pipelines.sync
    from sources import VENDORS
    from sources.http import Client
    from sources.rotating import RefreshToken
    from sources.scratch import Scratch
    from transforms.publish import Warehouse

    for vendor in VENDORS:
        import_module(f"sources.{vendor}")
    return {
        "request": (Client, "_send"),
        "token": (RefreshToken, "_store"),
        "checkpoint": (Scratch, "save"),
        "extract": (Pipeline, "extract"),
        "normalize": (Pipeline, "normalize"),
        "job": (DuckDbCopyJob, "run"),
        "load": (Pipeline, "load"),
        "base": (pipelines.land.Base, "remember"),
        "statement": (Warehouse, "run"),
        "rows": (Warehouse, "insert"),
        "commit": (DuckDbSqlClient, "commit_transaction"),
        "publish": (pipelines.publishing, "publish"),
        "plans": (pipelines.sync, "_keep_plans"),
    }


def _watch(counts: Counter[str], fatal: tuple[str, str, int] | None) -> None:
    """Count every call of every point, and die at the one that is named."""
    counting = threading.Lock()

    def around(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with counting:
                counts[name] += 1
                mine = counts[name]
            if fatal == (name, "before", mine):
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*args, **kwargs)
            if fatal == (name, "after", mine):
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    for name, (owner, attribute) in _places().items():
        setattr(owner, attribute, around(name, getattr(owner, attribute)))


def _pretend(now: datetime) -> None:
    """Let the run's clock show this, and go on from there; nothing waits."""
    import pipelines.sync
    from sources.throttle import Timing

    ahead = now - datetime.now(UTC)
    timing = Timing(lambda: datetime.now(UTC) + ahead, lambda _: None)
    pipelines.sync.Timing = lambda: timing  # type: ignore[assignment,misc]


def _run(order: dict[str, Any]) -> int:
    """Be the process: take its environment, run its command; returns the exit code."""
    os.environ.clear()
    os.environ.update(order["env"])
    from pipelines import project

    project.prepare()
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

    Container()[PluggableRunContext].reload(os.environ["DLT_PROJECT_DIR"])
    counts = Counter[str]()
    fatal = (order["point"], order["moment"], order["nth"]) if order.get("point") else None
    _watch(counts, fatal)
    if order.get("now"):
        _pretend(datetime.fromisoformat(order["now"]))
    from pipelines.cli import main

    code = main(order["argv"])
    if order.get("calls"):
        Path(order["calls"]).write_text(json.dumps(counts))
    return int(code or 0)


def serve() -> None:
    """Fork for each order that comes in, until the input ends."""
    _places()
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                quiet = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(quiet, 1)
                os.dup2(quiet, 2)
                code = _run(order)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
