"""The vendors pretended: their HTTP on loopback, for the demo, the tests and the benchmarks.

    sim = Simulator(customers=250, seed=7, clock=VirtualClock(noon))
    httpx.Client(transport=sim.transport())        # in this process, without a socket
    with sim.serve() as port: ...                  # real sockets on 127.0.0.1

`sim.loke` is the vendor: its switches (what a real one might do otherwise), its data, its writes.
`sim.before` and `sim.fault` act at the nth request of a kind; `sim.truth()` is what a perfect
reader would know. Nothing of the product is imported here.
"""

from simulator.clock import RealClock, VirtualClock
from simulator.core import MISSING, Simulator
from simulator.loke.world import LokeSwitches

__all__ = ["MISSING", "LokeSwitches", "RealClock", "Simulator", "VirtualClock"]
