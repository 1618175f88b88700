"""Cold start: a fresh process until its first answer from the database.

:mod:`benchmarks.fresh` is that process; :func:`measure_cold_start` starts it again and again.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Any

from .databases import Shelf
from .sides import ROOT, SIDES, command, environment

_USERS = 100


@dataclass(frozen=True)
class ColdStart:
    """Medians of one side on one engine, in milliseconds.

    Attributes:
        side, engine: whose.
        start: from starting the interpreter to Django being set up.
        query: the first query after that, with its connection and, for ours, opening the keyring.
        memory: bytes that the process then had.
    """

    side: str
    engine: str
    start: float
    query: float
    memory: int

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "start": round(self.start, 1), "query": round(self.query, 2)}


def measure_cold_start(shelf: Shelf, engine: str, rounds: int) -> list[ColdStart]:
    """Start both sides alternately, ``rounds`` times each."""
    names = {side: shelf.copy(side, engine, _USERS) for side in SIDES}
    taken: dict[str, list[dict[str, int]]] = {side: [] for side in SIDES}
    for number in range(rounds + 1):
        for side in SIDES:
            started = time.time_ns()
            process = subprocess.run(
                command("fresh"),
                cwd=ROOT,
                env=environment(side, engine, names[side], shelf.secret),
                capture_output=True,
                text=True,
                check=True,
            )
            if number:  # the first one only brings the files into memory
                times = json.loads(process.stdout)
                taken[side].append({**times, "start": times["ready_at"] - started})
    for side in SIDES:
        shelf.drop(side, engine)
    return [
        ColdStart(
            side,
            engine,
            statistics.median(times["start"] for times in taken[side]) / 1e6,
            statistics.median(times["query"] for times in taken[side]) / 1e6,
            round(statistics.median(times["memory"] for times in taken[side])),
        )
        for side in SIDES
    ]
