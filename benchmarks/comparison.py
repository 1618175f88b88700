"""The comparison: both sides and all sizes on one engine, fed alternately."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from .databases import Shelf
from .operations import Operation
from .processes import WorkerProcess
from .sides import SIDES

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
        engine, users: which.
        results: one per operation that the database has people enough for.
        conditions: versions and settings, the same for both sides.
        memory: the most memory that each worker process had, in bytes.
    """

    engine: str
    users: int
    results: list[Result]
    conditions: dict[str, Any]
    memory: dict[str, int]


Workers = dict[tuple[str, int], WorkerProcess]


def compare(
    shelf: Shelf,
    engine: str,
    sizes: Sequence[int],
    operations: Sequence[Operation],
    slices: int,
    report: Callable[[Result], None],
) -> list[Comparison]:
    """Measure the operations one after the other, on fresh copies of the databases.

    All sizes take turns with each other too, so that they can be compared as well.

    Args:
        shelf: where the databases are kept.
        engine: ``sqlite`` or ``postgresql``.
        sizes: how many people the databases have.
        operations: what to measure.
        slices: how many slices each side gets per operation and size.
        report: told each result.

    Returns:
        One comparison per size.
    """
    with ExitStack() as stack:
        workers: Workers = {}
        conditions: dict[str, Any] = {}
        for users in sizes:
            for side in SIDES:
                name = shelf.copy(side, engine, users, f"run-{users}")
                stack.callback(shelf.drop, side, engine, f"run-{users}")
                worker = WorkerProcess(side, engine, name, shelf.secret)
                workers[side, users] = stack.enter_context(worker)
                found = worker.ask("open", users=users)
                conditions = conditions or found
                if found != conditions:
                    raise RuntimeError(f"the conditions differ: {conditions}, {found}")
        results: dict[int, list[Result]] = {users: [] for users in sizes}
        for operation in operations:
            fitting = [users for users in sizes if users >= operation.people]
            for result in _measure(workers, engine, fitting, operation, slices):
                results[result.users].append(result)
                report(result)
        return [
            Comparison(
                engine,
                users,
                results[users],
                conditions,
                {side: workers[side, users].ask("memory") for side in SIDES},
            )
            for users in sizes
        ]


def _measure(
    workers: Workers, engine: str, sizes: Sequence[int], operation: Operation, slices: int
) -> list[Result]:
    key = operation.key
    mine = [(side, users) for users in sizes for side in SIDES]
    statements = {who: workers[who].ask("warm_up", key=key) for who in mine}
    calls = {
        users: 1 if operation.once else _calls_per_slice(workers, users, key) for users in sizes
    }
    taken: dict[tuple[str, int], list[dict[str, int]]] = {who: [] for who in mine}
    for number in range(slices):
        # Who goes first alternates too: A B, B A, A B …
        for side, users in mine if number % 2 else reversed(mine):
            worker = workers[side, users]
            taken[side, users].append(
                worker.ask("slice", key=key, calls=calls[users], number=number)
            )
    results = []
    for users in sizes:
        stock, ours = (_times(taken[side, users], calls[users]) for side in SIDES)
        results.append(
            Result(
                key=key,
                title=operation.title,
                engine=engine,
                users=users,
                stock=stock,
                ours=ours,
                ratio=ours.median / stock.median,
                cpu_ratio=ours.cpu / stock.cpu,
                statements={side: statements[side, users] for side in SIDES},
                calls=calls[users],
                slices=slices,
            )
        )
    return results


def _calls_per_slice(workers: Workers, users: int, key: str) -> int:
    calls = min(10, users)
    slices = [workers[side, users].ask("slice", key=key, calls=calls, number=-1) for side in SIDES]
    seconds = max(float(slice_["wall"]) for slice_ in slices) / calls / 1e9
    return max(1, min(round(_SLICE_SECONDS / seconds), _MOST_CALLS, users))


def _times(taken: Sequence[dict[str, int]], calls: int) -> Times:
    wall = [slice_["wall"] / calls / 1000 for slice_ in taken]
    deciles = statistics.quantiles(wall, n=10, method="inclusive")
    cpu = statistics.median(slice_["cpu"] / calls / 1000 for slice_ in taken)
    return Times(statistics.median(wall), deciles[0], deciles[-1], min(wall), cpu)
