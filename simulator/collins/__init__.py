"""Collins pretended: its world (data and staff) and its wire (endpoints, tokens, errors)."""

from simulator.collins.switches import CollinsSwitches
from simulator.collins.truth import Truth
from simulator.collins.wire import Collins

__all__ = ["Collins", "CollinsSwitches", "Truth"]
