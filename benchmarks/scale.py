"""The cost model of docs/scale.md: `python -m benchmarks.scale` prints its tables.

Requests follow from page sizes; seconds of CPU and megabytes from `docs/benchmarks/latest.json`,
taken as so much for a run and so much for a customer, by a small first load and the largest there
is. Minutes follow from the vendor's limit, and where it publishes none, from answers after 100 ms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.vendors import ROOT

_SIZES = {"10 thousand": 10_000, "1 million": 1_000_000, "100 million": 100_000_000}
_ANSWER_MINUTES = 0.1 / 60
# Read as fast as the vendor answers, the four vendors of each; of some there is a larger load.
_SMALL, _LARGE = "together", "together-at-once"
_LARGER = {"loke": "loke-first", "foodics": "foodics-first"}


@dataclass(frozen=True)
class Vendor:
    """What an account costs in requests: customers a page, and each full record one by one.

    `whole_list` where every run reads the whole list; `days` are those whose changes an increment
    asks for; `per_minute` is the limit, None where none is published.
    """

    page: int
    details: bool = False
    whole_list: bool = False
    days: float = 1.0
    per_minute: float | None = None

    def complete(self, customers: int) -> float:
        """Return the requests of a first load, or of a complete scan."""
        return customers / self.page + (customers if self.details else 0)

    def daily(self, customers: int) -> float:
        """Return the requests of one run a day when 1 % changed since the last."""
        changed = customers / 100 * self.days
        if self.whole_list:
            # A seventh of all full records is read again each day.
            return customers / self.page + changed + customers / 7
        return changed / self.page

    def minutes(self, requests: float) -> float:
        """Return how long these requests take at the permitted pace."""
        return requests / self.per_minute if self.per_minute else requests * _ANSWER_MINUTES


# Collins asks from the day before the watermark's, so for two days.
VENDORS = {
    "loke": Vendor(1000),
    "collins": Vendor(30, days=2),
    "kounta": Vendor(25, details=True, whole_list=True, per_minute=180),
    "foodics": Vendor(50, per_minute=90),
}


@dataclass(frozen=True)
class Constants:
    """What was measured for one vendor: seconds of CPU of a run, and of a customer; megabytes.

    `first_cpu` is of a first load, which begins a second process, `start_cpu` of any other run;
    `cpu` is of a customer who is read, `quiet_cpu` of one who is only looked at; `first_size` is of
    a warehouse without customers.
    """

    first_cpu: float
    start_cpu: float
    cpu: float
    quiet_cpu: float
    first_size: float
    size: float


def constants(found: Mapping[str, Any], vendor: str) -> Constants:
    """Return a vendor's constants, by two loads of different size."""
    small, large = found[_SMALL]["rows"], found[_LARGE]["rows"]
    alone, again = f"regulars, {vendor} alone", f"regulars, {vendor} alone, again"
    largest = found[_LARGER[vendor]]["rows"]["regulars"] if vendor in _LARGER else large[alone]

    def each(less: Mapping[str, Any], more: Mapping[str, Any], figure: str) -> float:
        return max(0.0, float(more[figure] - less[figure]) / float(more["rows"] - less["rows"]))

    cpu, size = (each(small[alone], largest, figure) for figure in ("cpu_s", "file_mb"))
    return Constants(
        small[alone]["cpu_s"] - cpu * small[alone]["rows"],
        min(row["cpu_s"] for name, row in small.items() if name.endswith("again")),
        cpu,
        each(small[again], large[again], "cpu_s"),
        small[alone]["file_mb"] - size * small[alone]["rows"],
        size,
    )


def table(vendor: str, facts: Vendor, known: Constants) -> list[str]:
    """Return one vendor's lines of the model."""
    lines = []
    for name, customers in _SIZES.items():
        first, daily = facts.complete(customers), facts.daily(customers)
        cpu = known.first_cpu + known.cpu * customers
        size = known.first_size + known.size * customers
        # What changed costs what new customers cost; who is only looked at, what a quiet run shows.
        looked = known.quiet_cpu * customers if facts.whole_list else 0.0
        later = known.start_cpu + looked + known.cpu * customers / 100
        lines.append(
            f"| {vendor} | {name} | {_count(first)} | {_time(facts.minutes(first))} | "
            f"{_time(cpu / 60)} | {_size(size)} | {_count(daily)} | "
            f"{_time(facts.minutes(daily))} | {_time(later / 60)} |"
        )
    return lines


def _count(requests: float) -> str:
    return f"{max(1, round(requests)):,}".replace(",", " ")


def _time(minutes: float) -> str:
    """Return minutes in the unit that fits."""
    for most, unit, minutes_each in ((2, "s", 1 / 60), (120, "min", 1), (2880, "h", 60)):
        if minutes < most:
            return f"{minutes / minutes_each:.0f} {unit}"
    return f"{minutes / 1440:.0f} d"


def _size(megabytes: float) -> str:
    return f"{megabytes:.0f} MB" if megabytes < 1 << 10 else f"{megabytes / (1 << 10):.0f} GB"


def main() -> None:
    """Print the model."""
    found = json.loads((ROOT / "docs/benchmarks/latest.json").read_text())
    known = {vendor: constants(found, vendor) for vendor in VENDORS}
    print("| vendor | customers | first load: requests | at the limit | CPU | warehouse | "
          "a day with 1 % changed: requests | at the limit | CPU |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for vendor, facts in VENDORS.items():
        print("\n".join(table(vendor, facts, known[vendor])))
    print()
    print("| vendor | CPU a million customers | warehouse a million customers |\n|---|---|---|")
    for vendor in VENDORS:
        print(f"| {vendor} | {known[vendor].cpu * 1e6:.0f} s | {_size(known[vendor].size * 1e6)} |")


if __name__ == "__main__":
    main()
