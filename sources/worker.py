"""Hashes and rows made by another process, while this one reads on.

Python does one thing at a time in each process, and where everything is new, as in a first load,
making rows takes as long as reading pages. What is asked here is what `sources.made` would answer,
of the same records: without the other process, or when it ends, they are made in this one.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import IO, NamedTuple, Self

import orjson

from sources import VENDORS
from sources.buffer import Buffer
from sources.made import Facts, Family, Here, Made
from sources.payload import Body
from sources.records import Shape
from sources.rows import Rows

log = logging.getLogger("regulars")
# What systems let anybody have; a question or an answer is about as large.
_PIPE = 1 << 20


class Asked(NamedTuple):
    """A buffer whose records are JSON, and how its rows are declared: package, resource."""

    declared: tuple[str, str]
    bodies: list[Body]
    buffer: Buffer
    facts: Facts
    salt: bytes

    def here(self, shape: Shape) -> Here:
        """Return what is made of it, in this process."""
        records = [record for body in self.bodies for record in body.records()]
        return Here(shape, self.buffer.filled(records), self.facts, self.salt)


class Whole(NamedTuple):
    """All there is to be made of a buffer's records; the records themselves are gone."""

    buffer: Buffer
    marks: list[str]
    dead: set[int]
    upserts: Rows
    kin: list[Family]

    @classmethod
    def of(cls, made: Made) -> Whole:
        """Make all of it, to be sent to who has the buffer."""
        places = range(len(made.buffer.ids))
        kin = made.families(places)
        for family in kin:
            family.source = family.source.rows(range(len(family.ids)))
        return cls(Buffer(), made.marks, made.dead, made.rows(places), kin)

    def rows(self, places: Sequence[int], op: str = "upsert") -> Rows:
        """As of `Made`."""
        return self.upserts.rows(places, op)

    def families(self, places: Sequence[int]) -> list[Family]:
        """As of `Made`."""
        if len(places) == len(self.buffer.ids):
            return self.kin
        parents = set(places)
        return [family.only(parents) for family in self.kin]


class Worker:
    """The other process, begun when it is first asked; it answers in the order of questions.

    Attributes:
        process: The process, None before it is begun.
        lost: It could not be begun, or has ended; nothing is to be had of it any more.
    """

    def __init__(self) -> None:
        # The next question is on its way while an answer is awaited.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix="worker-asked")
        self._hearing = ThreadPoolExecutor(1, thread_name_prefix="worker-heard")
        self._in_turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.lost = False
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        # Who still waits is answered here.
        self._asking.shutdown()
        self._hearing.shutdown()
        # It may have been begun at that very moment.
        self._end()

    @property
    def begun(self) -> bool:
        """Whether it is there, and costs nothing to be asked."""
        return self.process is not None and not self.lost

    def make(self, made: Here) -> Made | Future[Made]:
        """Return, when it is there, the same with all of it made; its records are let go.

        Where the other process cannot know or hold them, `made` itself is returned.
        """
        package = VENDORS.get(made.facts.vendor)
        if package is None or self.lost:
            return made
        bodies, count = made.buffer.bodies, len(made.buffer.ids)
        if sum(len(body.places) for body in bodies) < count:
            try:
                bodies = [Body(orjson.dumps(made.buffer.records), None, range(count))]
            except TypeError:  # an integer beyond 64 bits
                return made
        where = package, made.shape.resource
        asked = Asked(where, bodies, made.buffer.filled([]), made.facts, made.salt)
        # Several accounts ask; answers are heard in the order of their questions.
        with self._in_turn:
            number = self._asking.submit(self._ask, asked)
            return self._hearing.submit(self._hear, number, asked, made.shape)

    def _ask(self, asked: Asked) -> int:
        """Send a question; return its number."""
        if self.lost:
            raise EOFError
        self.process = self.process or begin()
        questions = self.process.stdin
        if questions is None:
            raise EOFError
        self._asked += 1
        pickle.dump((self._asked, asked), questions, pickle.HIGHEST_PROTOCOL)
        questions.flush()
        return self._asked

    def _hear(self, number: Future[int], asked: Asked, shape: Shape) -> Made:
        """Return the answer, made here where there is none."""
        try:
            whole = None if self.lost else self._answer(number.result())
        except Exception as error:  # noqa: BLE001  whatever it is, all of it can be made here
            if not self.lost:
                told = "no second process (%s): rows are made in this one, which takes longer"
                log.info(told, type(error).__name__)
            self._end()
            whole = None
        return whole._replace(buffer=asked.buffer) if whole else asked.here(shape)

    def _answer(self, number: int) -> Whole | None:
        """Return an answer, None where it could not be made; raises where it is of no use."""
        if self.process is None or self.process.stdout is None:
            raise EOFError
        told: tuple[int, Whole | None] = pickle.load(self.process.stdout)  # noqa: S301  our own
        if told[0] != number:
            raise ValueError
        return told[1]

    def _end(self) -> None:
        """End it; it holds nothing that could be lost."""
        self.lost = True
        if self.process is not None:
            with suppress(OSError, ValueError), self.process:
                self.process.kill()


def begin() -> subprocess.Popen[bytes]:
    """Return the process, with modules found where this one finds them."""
    code = "from sources.worker import serve; serve()"
    process = subprocess.Popen(  # noqa: S603  our own words
        [sys.executable, "-P", "-c", code],
        # Arrow's own allocators keep what was freed for themselves.
        env={
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # What fails there fails here again, and is told here without quoting anybody's data.
        stderr=subprocess.DEVNULL,
    )
    for pipe in (process.stdin, process.stdout):
        # Who writes need not wait for who is busy. Not every system can, and it is only time.
        with suppress(ImportError, AttributeError, OSError):
            from fcntl import F_SETPIPE_SZ, fcntl

            fcntl(pipe or -1, F_SETPIPE_SZ, _PIPE)
    return process


def serve() -> None:
    """Answer on standard output what is asked on standard input, until there is no more."""
    # Ctrl-C reaches both processes; the other one decides, and this one ends with its questions.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Records hold no circles that it could find.
    gc.disable()
    answers = os.fdopen(os.dup(1), "wb")
    # What anybody prints is no answer.
    os.dup2(2, 1)
    with suppress(EOFError, BrokenPipeError), answers:
        while True:
            answer(sys.stdin.buffer, answers)


def answer(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer one question by its number; None says that it could not be.

    Raises:
        EOFError: There is none.
    """
    number, asked = pickle.load(questions)  # noqa: S301  from the process that began this one
    try:
        whole: Whole | None = Whole.of(asked.here(declared(*asked.declared)))
    except Exception:  # noqa: BLE001  it will fail there as well, where it can be told
        whole = None
    pickle.dump((number, whole), answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()


@cache
def declared(package: str, resource: str) -> Shape:
    """Return a shape; its package is not run, which would load dlt: its `fields` declare it."""
    if package not in sys.modules:
        found = find_spec(package)
        stand_in = ModuleType(package)
        stand_in.__path__ = list((found and found.submodule_search_locations) or ())
        sys.modules[package] = stand_in
    shapes: Sequence[Shape] = import_module(f"{package}.fields").SHAPES
    return next(one for one in shapes if one.resource == resource)
