"""Reading a scan's next part while the last one is landed."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources.scan import Scan, State


class Ahead:
    """One part being read, in a thread of its own.

    Nothing of it is landed, nor noted in the state, before it is joined: until then the scan stands
    on a copy of the state, as it is after the part that is being landed.
    """

    def __init__(self, scan: Scan, read: Callable[[], None]) -> None:
        self._scan, self._done = scan, Future[None]()
        scan.stand_on(copy.deepcopy(scan.home))
        # A daemon: a reader that is left standing keeps no process alive.
        threading.Thread(target=self._run, args=[read], name="ahead", daemon=True).start()

    def _run(self, read: Callable[[], None]) -> None:
        try:
            read()
        except BaseException as error:  # noqa: BLE001  it is raised where the part is awaited
            self._done.set_exception(error)
        else:
            self._done.set_result(None)

    def join(self, home: State) -> None:
        """Wait for the part, and put what was noted on the way into the state.

        Raises:
            BaseException: What the reading ended with; of a scan at its end StopIteration.
        """
        self.wait()
        home.clear()
        home.update(self._scan.home)
        self._scan.stand_on(home)
        self._done.result()

    def wait(self) -> None:
        """Wait until nothing is being read."""
        self._done.exception()
