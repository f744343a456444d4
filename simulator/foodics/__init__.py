"""Foodics pretended: its world (data and staff) and its wire (endpoints, scopes, errors)."""

from simulator.foodics.switches import FoodicsSwitches
from simulator.foodics.wire import Foodics, Truth

__all__ = ["Foodics", "FoodicsSwitches", "Truth"]
