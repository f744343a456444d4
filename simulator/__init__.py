"""The vendors pretended: their HTTP on loopback, for the demo, the tests and the benchmarks.

    sim = Simulator(customers=250, seed=7, clock=VirtualClock(noon))
    httpx.Client(transport=sim.transport())        # in this process, without a socket
    with sim.serve() as port: ...                  # real sockets on 127.0.0.1
    serve(sim, 8099, ready=print)                  # the same until interrupted

`sim.loke` is the vendor: its switches (what a real one might do otherwise), its data, its writes;
`sim.loke.truth()` is what a perfect reader would know now. `sim.before` and `sim.fault` act at the
nth request of a kind. A further vendor is one more folder here and one line in `Simulator`; all
share a port, each below a path prefix of its own. `simulator.control` describes the control
interface for a simulator in another process. Nothing of the product is imported here.
"""

from simulator.clock import RealClock, VirtualClock
from simulator.collins import CollinsSwitches
from simulator.core import Simulator
from simulator.foodics import FoodicsSwitches
from simulator.kounta import KountaSwitches
from simulator.loke import LokeSwitches
from simulator.messages import MISSING
from simulator.server import serve

__all__ = [
    "MISSING",
    "CollinsSwitches",
    "FoodicsSwitches",
    "KountaSwitches",
    "LokeSwitches",
    "RealClock",
    "Simulator",
    "VirtualClock",
    "serve",
]
