"""Where the project is, whatever the working directory, and what a process is set to for a run."""

from __future__ import annotations

import gc
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def prepare() -> None:
    """Tell dlt where the project is; to be called before dlt or pyarrow is imported.

    `DLT_PROJECT_DIR` wins where it is set.
    """
    os.environ.setdefault("DLT_PROJECT_DIR", str(ROOT))
    # dlt reports usage to its makers unless told not to; guests' systems are nobody's business.
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    # dlt's own log quotes what a failing job held, and that is people's data; what an operator
    # needs is in our errors.
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    # A trace of each run, with the text of its errors, is written to disk for nobody.
    os.environ.setdefault("ENABLE_RUNTIME_TRACE", "false")
    # A package that is loaded is of no more use, and holds people's data.
    os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")
    # Arrow's own allocators keep what was freed for themselves; a run's memory is to stay flat.
    # Told by `set_memory_pool` only what Python asks for would come from the system.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    collect_seldom()


def collect_seldom() -> None:
    """Have Python look for circles less often.

    What is imported stays, and records have none: to look took a tenth of the start, and, through
    the records of a page at each page, an eighth of a run.
    """
    gc.set_threshold(100_000, 20, 100)


def folder() -> Path:
    """Return the project folder."""
    return Path(os.environ.get("DLT_PROJECT_DIR") or ROOT).resolve()


def data_dir() -> Path:
    """Return the folder of working data, `.regulars` in the project unless `DLT_DATA_DIR` is set.

    Nothing in it but the credentials is needed for correct tables; it saves work after a crash.
    """
    configured = os.environ.get("DLT_DATA_DIR")
    path = Path(configured).expanduser() if configured else folder() / ".regulars"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def vault_dir() -> Path:
    """Return the folder of rotated credentials: one for all commands, or one locks out another."""
    return data_dir() / "credentials"
