"""One run per account and destination at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from pipelines import project
from sources.errors import Locked


@contextmanager
def held(name: str) -> Iterator[None]:
    """Hold the lock `name`, or raise Locked at once, naming the process that holds it.

    The operating system lets go of it when its owner dies, however it dies.
    """
    path = project.data_dir() / "locks" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    owner = path.with_suffix(".pid")
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        pid = owner.read_text().strip() if owner.exists() else "unknown"
        raise Locked(
            f"another run (process {pid}) is working on {name}. Nothing was changed; let the next "
            "schedule try again"
        ) from None
    try:
        owner.write_text(str(os.getpid()))
        yield
    finally:
        lock.release()
