"""What a bench says: a table in the terminal, and JSON that keeps what other runs measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.book import Book
from benchmarks.vendors import ROOT

_COLUMNS = (
    ("wall s", "wall_s", "{:.2f}"), ("x limit", "to_limit", "{:.1f}"), ("cpu s", "cpu_s", "{:.1f}"),
    ("peak MB", "peak_mb", "{}"), ("disk MB", "written_mb", "{:.0f}"),
    ("requests", "requests", "{}"), ("rows/s", "rows_per_s", "{}"),
)  # fmt: skip


def told(book: Book, load: float) -> dict[str, Any]:
    """Return a workload's result: what was measured, when, where, of which version.

    `load` is how busy the machine was before; beside other work a time means little.
    """
    return {
        "title": book.title,
        **book.facts,
        "measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
        "version": _version(),
        "machine": _machine(),
        "load_before": round(load, 2),
        "left_out": list(book.left_out),
        "rows": book.rows(),
    }


def _version() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return done.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.split(": ", 1)[1] for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return {
        "cpu": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": memory,
        "python": platform.python_version(),
    }


def table(result: dict[str, Any]) -> str:
    """Return a workload's result as lines of text."""
    head = "".join(f"{name:>10}" for name, _, _ in _COLUMNS)
    lines = [result["title"], f"{'':34}{head}  result"]
    for name, row in result["rows"].items():
        cells = ("" if row[key] is None else form.format(row[key]) for _, key, form in _COLUMNS)
        lines.append(f"{name:34}{''.join(f'{cell:>10}' for cell in cells)}  {row['check']}")
    return "\n".join([*lines, *result["left_out"]])


def keep(name: str, result: dict[str, Any], path: Path) -> dict[str, Any]:
    """Write a workload's result among those that are there; return all."""
    everything: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    everything[name] = result
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(everything, indent=1) + "\n")
    return everything
