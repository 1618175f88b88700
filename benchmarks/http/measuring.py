"""The slices: every server in turn, for each endpoint and number of connections."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .endpoints import Endpoint
from .environment import REAL
from .processes import cpu_times, grown, resident
from .target import Target
from .wrk import Load, Running

_LONGEST = 600


@dataclass(frozen=True)
class Slice:
    """One server under load for some seconds.

    Attributes:
        load: what wrk saw.
        cpu: nanoseconds of the server's processes; ``None`` where they are not known.
        database: nanoseconds of the database server's processes that worked for it.
    """

    load: Load
    cpu: int | None
    database: int

    @property
    def cpu_each(self) -> float | None:
        """Microseconds of processor time per answer."""
        return None if self.cpu is None else self.cpu / 1000 / self.load.answered


@dataclass
class Result:
    """One server, one endpoint, one number of connections.

    Attributes:
        target: the server.
        endpoint: what was asked for.
        connections: how many at a time.
        slices: in order.
        resident: bytes in memory of its largest process, at the end.
    """

    target: Target
    endpoint: Endpoint
    connections: int
    slices: list[Slice] = field(default_factory=list)
    resident: int = 0

    @property
    def cpu(self) -> float | None:
        """Microseconds of processor time per answer: median of the slices."""
        found = [one.cpu_each for one in self.slices if one.cpu_each is not None]
        return statistics.median(found) if found else None

    @property
    def database(self) -> float:
        """The same of the database server."""
        return statistics.median(s.database / 1000 / s.load.answered for s in self.slices)

    @property
    def per_second(self) -> float:
        """Answers per second: median of the slices."""
        return statistics.median(s.load.answered / s.load.seconds for s in self.slices)

    @property
    def p50(self) -> float:
        """Milliseconds, median of the slices."""
        return statistics.median(s.load.p50 for s in self.slices) / 1000

    @property
    def p99(self) -> float:
        """Milliseconds, median of the slices."""
        return statistics.median(s.load.p99 for s in self.slices) / 1000

    @property
    def answered(self) -> int:
        """Answers of all slices."""
        return sum(one.load.answered for one in self.slices)

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        cpus = [one.cpu_each for one in self.slices if one.cpu_each is not None]
        return {
            "server": self.target.name,
            "endpoint": self.endpoint.key,
            "hash": self.target.hashing if self.endpoint.hashes else None,
            "users": self.target.users or None,
            "connections": self.connections,
            "answers": self.answered,
            "cpu_us": None if self.cpu is None else round(self.cpu, 1),
            "cpu_us_lowest": round(min(cpus), 1) if cpus else None,
            "cpu_us_highest": round(max(cpus), 1) if cpus else None,
            "database_cpu_us": round(self.database, 1),
            "per_second": round(self.per_second, 1),
            "p50_ms": round(self.p50, 2),
            "p99_ms": round(self.p99, 2),
            "resident_mib": round(self.resident / 2**20, 1),
        }


def belongs(target: Target, endpoint: Endpoint) -> bool:
    """Whether a server is asked for an endpoint."""
    if endpoint.group not in target.groups or (endpoint.key == "raw") != target.is_raw:
        return False
    # Of ours, the server with the real hash is there for what hashes.
    return endpoint.hashes or not (target.is_ours and target.hashing == REAL)


def measure(
    targets: Sequence[Target],
    endpoints: Sequence[Endpoint],
    connections: Sequence[int],
    *,
    slices: int,
    seconds: int,
    done: Callable[[list[Result]], None],
) -> list[Result]:
    """Everything, in slices that alternate between the servers.

    Args:
        targets: the servers.
        endpoints: what they are asked for.
        connections: how many at a time, one after the other.
        slices: per server, endpoint and number of connections; one before them does not count.
        seconds: of a slice.
        done: told the results of all servers when an endpoint is done.

    Raises:
        LoadFailed: an answer was wrong.
    """
    found: list[Result] = []
    for endpoint in endpoints:
        able = [target for target in targets if belongs(target, endpoint)]
        if not able:
            continue
        for count in connections:
            results = [Result(target, endpoint, count) for target in able]
            for number in range(slices + 1):
                for result in _alternating(results, number):
                    # The first brings code and pages into memory.
                    one = run_slice(result.target, endpoint, count, seconds if number else 1)
                    if number:
                        result.slices.append(one)
            for result in results:
                result.resident = max(map(resident, result.target.processes()), default=0)
            done(results)
            found += results
    return found


def _alternating(results: Sequence[Result], number: int) -> Iterator[Result]:
    return iter(results) if number % 2 else reversed(results)


def run_slice(target: Target, endpoint: Endpoint, connections: int, seconds: int) -> Slice:
    """One slice."""
    requests = list(endpoint.requests(target, seconds))
    if endpoint.whole:
        seconds = _LONGEST
    before = cpu_times(target.processes()), cpu_times(target.database())
    with Running(
        target.address,
        requests,
        connections=connections,
        seconds=seconds,
        endless=endpoint.endless,
        expected=endpoint.expected,
    ) as running:
        load = running.wait()
    after = cpu_times(target.processes()), cpu_times(target.database())
    cpu = grown(before[0], after[0]) if after[0] else None
    return Slice(load, cpu, grown(before[1], after[1]))
