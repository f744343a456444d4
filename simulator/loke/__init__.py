"""LOKE pretended: its world (data and writes) and its wire (endpoints, tokens, errors)."""

from simulator.loke.wire import Loke
from simulator.loke.world import LokeSwitches

__all__ = ["Loke", "LokeSwitches"]
