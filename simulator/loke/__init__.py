"""LOKE pretended: its world (data and writes) and its wire (endpoints, tokens, errors)."""

from simulator.loke.switches import LokeSwitches
from simulator.loke.wire import Loke, Truth

__all__ = ["Loke", "LokeSwitches", "Truth"]
