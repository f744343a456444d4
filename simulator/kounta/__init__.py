"""Kounta pretended: its world (data and writes) and its wire (endpoints, tokens, errors)."""

from simulator.kounta.switches import KountaSwitches
from simulator.kounta.webhooks import signature
from simulator.kounta.wire import Kounta, Truth

__all__ = ["Kounta", "KountaSwitches", "Truth", "signature"]
