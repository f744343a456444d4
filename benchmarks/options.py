"""How a bench is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Rounds that alternate, and words of which a contestant's name has one; none: everybody."""

    rounds: int = 5
    only: Sequence[str] = ()
