"""Everything that is measured, side by side: `python -m benchmarks.run [WORKLOAD …]`.

Rounds alternate, so that whatever else the machine does is shared by all. Medians are printed, and
written with a chart to `docs/benchmarks/`, where what other runs measured is kept; `--form short`
and `tiny` measure small accounts, to see that all works, and write to `.bench/`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import accounts, asking, folding, loads
from benchmarks.book import Book
from benchmarks.chart import chart
from benchmarks.options import Options
from benchmarks.report import keep, table, told
from benchmarks.vendors import ROOT

Workload = Callable[[Options], Book]
_MILLION = 1_000_000
# By form: customers of a first load and of the increments, lists and their members, customers of
# each of four vendors, rows of a fold's log.
_SIZES = {
    "full": (200_000, 200_000, (50, 20_000), 2_000, (_MILLION, 5 * _MILLION, 10 * _MILLION)),
    "short": (10_000, 10_000, (10, 1_000), 100, (100_000,)),
    "tiny": (300, 300, (2, 40), 20, (1_000,)),
}
_ROUNDS = {"full": 5, "short": 3, "tiny": 1}


def workloads(form: str) -> dict[str, Workload]:
    """Return the workloads of a form by name, in the order they are run."""
    customers, increments, lists, each, logs = _SIZES[form]
    found: dict[str, Workload] = {}
    for vendor in ("loke", "foodics"):
        found[f"{vendor}-first"] = partial(loads.first_load, vendor, customers)
        found[f"{vendor}-increments"] = partial(loads.increments, vendor, increments)
    found["memberships"] = partial(accounts.memberships, *lists)
    found["together"] = partial(accounts.together, each, 0.1)
    for rows in logs:
        found[f"fold-{rows // 1000}k"] = partial(folding.fold, rows)
    found[f"asked-{logs[-1] // 1000}k"] = partial(asking.asking, logs[-1])
    if form == "full":
        # What a customer of each vendor costs where nobody waits: the constants of docs/scale.md.
        found["together-at-once"] = partial(accounts.together, 20_000, 0.0)
        found["loke-first-million"] = partial(loads.first_load, "loke", _MILLION)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", help="all unless named")
    parser.add_argument("--form", choices=_SIZES, default="full")
    parser.add_argument("--rounds", type=int, help="5, of the short form 3, of the tiny one 1")
    parser.add_argument("--only", default="", help="words of contestants, with commas between")
    parser.add_argument("--into", type=Path, help="where the result is written")
    found = parser.parse_args()
    known = workloads(found.form)
    unknown = [name for name in found.workloads if name not in known]
    if unknown:
        parser.error(f"no workload {unknown[0]!r}; there are: {', '.join(known)}")
    return found


def main() -> None:
    """Measure, print, write; what is measured is kept even if a later workload fails."""
    asked = _options()
    options = Options(asked.rounds or _ROUNDS[asked.form], [w for w in asked.only.split(",") if w])
    into = asked.into or (ROOT / "docs/benchmarks" if asked.form == "full" else ROOT / ".bench")
    known = workloads(asked.form)
    for name in asked.workloads or known:
        load = os.getloadavg()[0]
        print(f"{name} (load {load:.1f})", flush=True)
        result = told(known[name](options), load)
        everything = keep(name, result, into / "latest.json")
        (into / "latest.svg").write_text(chart(everything))
        print(f"\n{table(result)}\n", flush=True)


if __name__ == "__main__":
    main()
