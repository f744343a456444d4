"""A process tree seen from outside: how long, how much, and whether it ended well.

Linux only: memory and bytes are read from /proc.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_PAUSE = 0.05
# Every so many looks, new processes are looked for: the kernel is asked of every thread, which has
# taken a hundredth of the time from those with many.
_NEW = 5
_MB = 1 << 20


class Failed(Exception):
    """A measured process ended with an error; the text is the end of what it printed."""


@dataclass(frozen=True)
class Run:
    """One command, measured.

    `wall` and `cpu` are seconds, CPU of all its processes; `peak_mb` is the most memory all of them
    held at once: what each has for itself, and the pages of files (libraries above all) of the one
    that maps most, since the others map the same; `written_mb` is what they gave the disk.
    """

    wall: float
    cpu: float
    peak_mb: float
    written_mb: float
    output: str = ""


def measure(command: Sequence[str], env: Mapping[str, str], folder: Path) -> Run:
    """Run a command in a folder to its end.

    Raises:
        Failed: It ended with an error.
    """
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        child = subprocess.Popen(command, env=dict(env), stdout=output, stderr=output, cwd=folder)
        peak = _watch(child.pid)
        wall = time.perf_counter() - started
        # The process has ended and is not forgotten yet: what it wrote can still be asked for.
        written = _written(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise Failed(f"{' '.join(command)} ended {child.returncode}:\n{text[-2000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, peak / _MB, written / _MB, text)


def _watch(pid: int) -> int:
    """Wait until a process ends; return the most memory its tree was seen to hold."""
    peak, looks, pids = 0, 0, [pid]
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        # The kernel knows the true peak of the first process, which samples may miss. What it tells
        # when the process has ended is no less than what this one had when it began it.
        if looks % _NEW == 0:
            pids = tree(pid)
        looks += 1
        peak = max(peak, _held(pids), _most(pid))
        time.sleep(_PAUSE)
    return peak


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    found, left = list[int](), [pid]
    while left:
        one = left.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                left += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it has ended meanwhile
    return found


def _held(pids: Sequence[int]) -> int:
    """Return the memory of some processes, pages of files counted once."""
    own, files = 0, 0
    for pid in pids:
        try:
            _, resident, shared, *_ = map(int, Path(f"/proc/{pid}/statm").read_text().split())
        except OSError:
            continue  # it has ended meanwhile
        own, files = own + resident - shared, max(files, shared)
    return (own + files) * _PAGE


def _most(pid: int) -> int:
    """Return the most memory a process has held since it began."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    told = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(told[0]) * 1024 if told else 0


def _written(pid: int) -> int:
    """Return the bytes a process, and those it has waited for, sent to storage."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return 0
    return int(dict(line.split(": ") for line in lines)["write_bytes"])
