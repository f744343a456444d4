"""What was measured: every run of every contestant of a workload, and the medians of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.measure import Run


@dataclass(frozen=True)
class Entry:
    """One run; `rows` is what its rate is counted in, `words` what is said of its result.

    `file_mb` is how large its DuckDB file is afterwards.
    """

    run: Run
    requests: int = 0
    rows: int = 0
    words: str = ""
    file_mb: float = 0.0


@dataclass
class Book:
    """The entries of one workload.

    `limits` names, for a contestant, the one its time is told in multiples of; `facts` is what was
    read, `left_out` a line for each who could not take part.
    """

    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, entry: Entry, limit: str = "") -> None:
        """Keep a run."""
        self.entries.setdefault(name, []).append(entry)
        self.limits[name] = limit
        run = entry.run
        print(f"  {name:34}{run.wall:9.2f} s{run.peak_mb:8.0f} MB  {entry.words}", flush=True)

    def wall(self, name: str) -> float | None:
        """Return the median time of a contestant."""
        found = self.entries.get(name)
        return median(entry.run.wall for entry in found) if found else None

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the medians by contestant; of memory the most."""
        return {name: self._row(name, entries) for name, entries in self.entries.items()}

    def _row(self, name: str, entries: Sequence[Entry]) -> dict[str, Any]:
        walls = [entry.run.wall for entry in entries]
        wall, limit = median(walls), self.wall(self.limits[name])
        rows = median(entry.rows for entry in entries)
        return {
            "wall_s": round(wall, 3),
            "wall_from_to": [round(min(walls), 3), round(max(walls), 3)],
            "rounds": len(entries),
            "to_limit": round(wall / limit, 2) if limit else None,
            "cpu_s": round(median(entry.run.cpu for entry in entries), 2),
            "peak_mb": round(max(entry.run.peak_mb for entry in entries)),
            "written_mb": round(median(entry.run.written_mb for entry in entries), 1),
            "file_mb": round(entries[-1].file_mb, 1),
            "requests": round(median(entry.requests for entry in entries)),
            "rows": round(rows),
            "rows_per_s": round(rows / wall),
            "check": entries[-1].words,
        }
