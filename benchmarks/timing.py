"""Timing one slice of one operation, inside a worker process."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from .operations import Operation
from .world import WORKING_SET, World


def run_slice(world: World, operation: Operation, calls: int, number: int) -> dict[str, int]:
    """Prepare, time and clean up so many calls.

    Args:
        world: this side.
        operation: what to call.
        calls: how often.
        number: of the slice; both sides make the same choices in it.

    Returns:
        ``wall`` and ``cpu`` of all calls together, in nanoseconds; the processor time is this
        process's alone, not that of a database server.
    """
    world.seed(number)
    arguments = operation.prepare(world, calls)
    gc.collect()
    wall, cpu, results = (_apart if operation.first else _together)(world, operation, arguments)
    if operation.after is not None:
        operation.after(world, arguments, results)
    return {"wall": wall, "cpu": cpu}


def _together(
    world: World, operation: Operation, arguments: Sequence[Any]
) -> tuple[int, int, list[Any]]:
    call = operation.call
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    results = [call(world, argument) for argument in arguments]
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return wall, cpu, results


def _apart(
    world: World, operation: Operation, arguments: Sequence[Any]
) -> tuple[int, int, list[Any]]:
    call = operation.call
    wall = cpu = 0
    results = []
    for argument in arguments:
        world.forget()
        cpu_start, wall_start = time.process_time_ns(), time.perf_counter_ns()
        results.append(call(world, argument))
        wall += time.perf_counter_ns() - wall_start
        cpu += time.process_time_ns() - cpu_start
    return wall, cpu, results


def warm_up(world: World, operation: Operation) -> None:
    """Bring an operation to where a running site is: code imported, working set read before."""
    if operation.again:
        for argument in operation.prepare(world, WORKING_SET):
            operation.call(world, argument)
    else:
        run_slice(world, operation, 1, -1)


class _Statements:
    """Counts what goes through cursors; ``executemany`` counts once (BEGIN and COMMIT do not)."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.count += 1
        return execute(sql, params, many, context)


def count_statements(world: World, operation: Operation) -> int:
    """How many SQL statements one call of an operation takes."""
    world.seed(0)
    arguments = operation.prepare(world, 1)
    statements = _Statements()
    with connection.execute_wrapper(statements):
        results = [operation.call(world, argument) for argument in arguments]
    if operation.after is not None:
        operation.after(world, arguments, results)
    return statements.count
