"""The processor time and the memory of a server's processes, read from the kernel (Linux)."""

from __future__ import annotations

import os
import time
from pathlib import Path

_PROC = Path("/proc")
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                parent = int(_stat(int(entry.name))[1])
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def cpu_time(pid: int) -> int:
    """Nanoseconds of processor time that a process has used, all its threads together.

    The process's own clock (clock_getcpuclockid, POSIX), for the ticks in ``/proc/PID/stat`` are
    of 10 ms. Where the kernel does not show it, those ticks.

    Raises:
        ProcessLookupError: there is no such process.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2)
    except OSError:
        pass
    try:
        fields = _stat(pid)
    except OSError:
        raise ProcessLookupError(f"there is no process {pid}") from None
    return (int(fields[11]) + int(fields[12])) * _TICK


def cpu_times(pids: list[int]) -> dict[int, int]:
    """:func:`cpu_time` of each that still runs."""
    found = {}
    for pid in pids:
        try:
            found[pid] = cpu_time(pid)
        except ProcessLookupError:
            continue
    return found


def grown(before: dict[int, int], after: dict[int, int]) -> int:
    """Nanoseconds between two readings; a process that is new counts from its start."""
    return sum(spent - before.get(pid, 0) for pid, spent in after.items())


def resident(pid: int) -> int:
    """Bytes of a process that are in memory now; 0 when it has ended."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on: the name before it may hold anything."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
