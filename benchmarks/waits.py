"""What the server's processes wait for, and the processor time they take, while others write."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

_EVERY = 0.05

# A table's file grows by one process at a time; everybody who inserts may wait for that.
_EXTEND = ("Lock", "extend")


class Sampler:
    """Looks at ``pg_stat_activity`` twenty times a second, as long as the block lasts.

    Args:
        dsn: how to reach the server.
        database: whose processes are looked at.
    """

    def __init__(self, dsn: str, database: str) -> None:
        self._dsn = dsn
        self._database = database
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}
        self.seen: Counter[tuple[str, str]] = Counter()
        """How often a process was seen waiting for what; ``("", "")`` is: running."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    @property
    def cpu(self) -> float | None:
        """Seconds of processor time of the server's processes; None if they run elsewhere."""
        if not self._last:
            return None
        return sum(last - self._first[pid] for pid, last in self._last.items())

    def shares(self) -> dict[str, float]:
        """Of the times that a process was seen inside a transaction: how many in per cent were it.

        ``row locks`` is waiting for another transaction, ``growing files`` for a table's file to
        grow, ``short locks`` those of the server's memory, ``disk`` reading, writing and syncing.
        """
        at_work = sum(n for (kind, _), n in self.seen.items() if kind != "Client")
        sums: Counter[str] = Counter()
        for wait, n in self.seen.items():
            sums[_name(wait)] += n
        names = ("row locks", "growing files", "short locks", "disk", "running")
        return {name: 100 * sums[name] / at_work if at_work else 0.0 for name in names}

    def _run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._end.wait(_EVERY):
                for row in connection.execute(
                    "SELECT pid, coalesce(wait_event_type, ''), coalesce(wait_event, '') "
                    "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() "
                    "AND state <> 'idle' AND backend_type = 'client backend'",
                    [self._database],
                ):
                    self._note(*row)

    def _note(self, pid: int, kind: str, event: str) -> None:
        self.seen[kind, event] += 1
        used = _processor_seconds(pid)
        if used is not None:
            self._first.setdefault(pid, used)
            self._last[pid] = used


def _name(wait: tuple[str, str]) -> str:
    kind, _ = wait
    if wait == _EXTEND:
        return "growing files"
    return {"Lock": "row locks", "LWLock": "short locks", "IO": "disk", "": "running"}.get(
        kind, kind
    )


def _processor_seconds(pid: int) -> float | None:
    try:
        fields: list[Any] = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
