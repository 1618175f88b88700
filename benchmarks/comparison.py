"""One comparison: both sides on one engine and size, fed alternately."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .databases import Shelf
from .operations import Operation
from .processes import WorkerProcess
from .sides import OURS, SIDES, STOCK

_SLICE_SECONDS = 0.02
_MOST_CALLS = 200


@dataclass(frozen=True)
class Times:
    """Times of one call on one side, in microseconds: of the slices' averages.

    ``cpu`` is the median processor time of the process alone, without a database server's.
    """

    median: float
    p10: float
    p90: float
    lowest: float
    cpu: float


@dataclass(frozen=True)
class Result:
    """What was measured of one operation.

    Attributes:
        key, title: the operation's.
        engine: ``sqlite`` or ``postgresql``.
        users: size of the database.
        stock, ours: the times.
        ratio: median of ours divided by that of stock.
        cpu_ratio: the same of the processor times.
        statements: SQL statements of one call, by side.
        calls: calls per slice.
        slices: slices per side.
    """

    key: str
    title: str
    engine: str
    users: int
    stock: Times
    ours: Times
    ratio: float
    cpu_ratio: float
    statements: dict[str, int]
    calls: int
    slices: int

    def as_json(self) -> dict[str, Any]:
        """As plain values, times rounded to what can be told apart."""
        found = asdict(self)
        for side in SIDES:
            found[side] = {name: round(value, 1) for name, value in found[side].items()}
        found["ratio"] = round(self.ratio, 3)
        found["cpu_ratio"] = round(self.cpu_ratio, 3)
        return found


@dataclass(frozen=True)
class Comparison:
    """All operations on one engine and size.

    Attributes:
        results: one per operation that the database has people enough for.
        conditions: versions and settings, the same for both sides.
        memory: the most memory that each worker process had, in bytes.
    """

    results: list[Result]
    conditions: dict[str, Any]
    memory: dict[str, int]


def compare(
    shelf: Shelf,
    engine: str,
    users: int,
    operations: Sequence[Operation],
    slices: int,
    report: Callable[[Result], None],
) -> Comparison:
    """Measure the operations one after the other, on fresh copies of both databases.

    Args:
        shelf: where the databases are kept.
        engine: ``sqlite`` or ``postgresql``.
        users: how many people the databases have.
        operations: what to measure.
        slices: how many slices each side gets per operation.
        report: told each result.
    """
    names = {side: shelf.copy(side, engine, users) for side in SIDES}
    with (
        WorkerProcess(STOCK, engine, names[STOCK], shelf.secret) as stock,
        WorkerProcess(OURS, engine, names[OURS], shelf.secret) as ours,
    ):
        workers = {STOCK: stock, OURS: ours}
        conditions = {side: worker.ask("open", users=users) for side, worker in workers.items()}
        if conditions[STOCK] != conditions[OURS]:
            raise RuntimeError(f"the sides work under different conditions: {conditions}")
        results = []
        for operation in operations:
            if users >= operation.people:
                result = _measure(workers, engine, users, operation, slices)
                results.append(result)
                report(result)
        memory = {side: worker.ask("memory") for side, worker in workers.items()}
    for side in SIDES:
        shelf.drop(side, engine)
    return Comparison(results, conditions[OURS], memory)


def _measure(
    workers: dict[str, WorkerProcess], engine: str, users: int, operation: Operation, slices: int
) -> Result:
    key = operation.key
    statements = {side: workers[side].ask("warm_up", key=key) for side in SIDES}
    calls = 1 if operation.once else _calls_per_slice(workers, users, key)
    taken: dict[str, list[dict[str, int]]] = {side: [] for side in SIDES}
    for number in range(slices):
        # Who goes first alternates too: A B, B A, A B …
        for side in SIDES if number % 2 else reversed(SIDES):
            taken[side].append(workers[side].ask("slice", key=key, calls=calls, number=number))
    stock, ours = (_times(taken[side], calls) for side in SIDES)
    return Result(
        key=key,
        title=operation.title,
        engine=engine,
        users=users,
        stock=stock,
        ours=ours,
        ratio=ours.median / stock.median,
        cpu_ratio=ours.cpu / stock.cpu,
        statements=statements,
        calls=calls,
        slices=slices,
    )


def _calls_per_slice(workers: dict[str, WorkerProcess], users: int, key: str) -> int:
    calls = min(10, users)
    slices = [workers[side].ask("slice", key=key, calls=calls, number=-1) for side in SIDES]
    seconds = max(float(slice_["wall"]) for slice_ in slices) / calls / 1e9
    return max(1, min(round(_SLICE_SECONDS / seconds), _MOST_CALLS, users))


def _times(taken: Sequence[dict[str, int]], calls: int) -> Times:
    wall = [slice_["wall"] / calls / 1000 for slice_ in taken]
    deciles = statistics.quantiles(wall, n=10, method="inclusive")
    cpu = statistics.median(slice_["cpu"] / calls / 1000 for slice_ in taken)
    return Times(statistics.median(wall), deciles[0], deciles[-1], min(wall), cpu)
