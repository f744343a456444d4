"""The chart: for each workload a bar a contestant, as long as its median, from SVG written here."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_WIDTH, _NAMES, _BARS, _LINE = 900, 250, 430, 22
_OURS, _LIMIT, _PEER = "#1f6f8b", "#9aa5ab", "#d08c60"
_STYLE = (
    "text{font:13px sans-serif;fill:#222}.title{font-weight:bold}.small{font-size:11px;fill:#555}"
    "rect.paper{fill:#fff}"
)


def chart(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the SVG of all workloads, one below the other."""
    parts, top = list[str](), 10
    for result in results.values():
        block, top = _block(result, top)
        parts += block
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" '
        f'viewBox="0 0 {_WIDTH} {top}"><style>{_STYLE}</style>'
        f'<rect class="paper" width="{_WIDTH}" height="{top}"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _block(result: Mapping[str, Any], top: int) -> tuple[list[str], int]:
    """Return a workload's title and bars, and where the next one begins."""
    parts = [_text(10, top + 14, result["title"], "title")]
    longest = max((row["wall_from_to"][1] for row in result["rows"].values()), default=0) or 1
    y = top + _LINE
    for name, row in result["rows"].items():
        parts += _bar(name, row, y, _BARS / longest)
        y += _LINE
    return parts, y + 14


def _bar(name: str, row: Mapping[str, Any], y: int, scale: float) -> list[str]:
    color = _OURS if name.startswith("regulars") else _LIMIT if name.startswith("limit") else _PEER
    length, (low, high) = row["wall_s"] * scale, (each * scale for each in row["wall_from_to"])
    words = f"{row['wall_s']:.2f} s"
    words += f", {row['to_limit']:.1f} times the limit" if row["to_limit"] else ""
    words += f", {row['peak_mb']} MB"
    middle = y + _LINE / 2 - 1
    return [
        _text(10, y + 14, name),
        f'<rect x="{_NAMES}" y="{y + 3}" width="{max(length, 1):.1f}" height="14" fill="{color}"/>',
        f'<line x1="{_NAMES + low:.1f}" x2="{_NAMES + high:.1f}" y1="{middle}" y2="{middle}" '
        'stroke="#222"/>',
        _text(_NAMES + max(length, high) + 6, y + 14, words, "small"),
    ]


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}>{escape(text)}</text>'
