"""Many people sign in at once: what does somebody notice who is signed in already?"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .endpoints import BY_KEY, sign_ins
from .target import Target
from .wrk import Load, Running

CONNECTIONS = 16


@dataclass
class Storm:
    """One server: ``get-session`` on one connection, in calm and during a storm of sign-ins.

    Attributes:
        target: the server.
        calm, stormy: slices of ``get-session``.
        sign_ins: the sign-ins of the stormy slices.
    """

    target: Target
    calm: list[Load] = field(default_factory=list)
    stormy: list[Load] = field(default_factory=list)
    sign_ins: list[Load] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As plain values: medians of the slices."""

        def median(loads: Sequence[Load], name: str) -> float:
            return round(statistics.median(getattr(load, name) for load in loads) / 1000, 2)

        seconds = sum(load.seconds for load in self.sign_ins)
        refused = sum(load.wrong for load in self.sign_ins)
        return {
            "server": self.target.name,
            "users": self.target.users or None,
            "connections": CONNECTIONS,
            "calm_p50_ms": median(self.calm, "p50"),
            "calm_p99_ms": median(self.calm, "p99"),
            "storm_p50_ms": median(self.stormy, "p50"),
            "storm_p99_ms": median(self.stormy, "p99"),
            "sign_ins_per_second": round(
                (sum(load.answered for load in self.sign_ins) - refused) / seconds, 1
            ),
            "refused_per_second": round(refused / seconds, 1),
        }


def measure_storms(
    targets: Sequence[Target],
    *,
    slices: int,
    seconds: int,
    done: Callable[[Storm], None],
) -> list[Storm]:
    """Storms over every server in turn.

    Args:
        targets: servers with a real password hash.
        slices: per server, of calm and of storm.
        seconds: of a slice.
        done: told when a server is done.
    """
    storms = [Storm(target) for target in targets]
    for number in range(slices):
        for storm in storms if number % 2 else reversed(storms):
            storm.calm.append(_get_session(storm.target, seconds))
            _storm(storm, seconds)
    for storm in storms:
        done(storm)
    return storms


def _get_session(target: Target, seconds: int) -> Load:
    endpoint = BY_KEY["get-session"]
    with Running(
        target.address,
        endpoint.requests(target, seconds),
        connections=1,
        seconds=seconds,
        endless=True,
        expected=endpoint.expected,
    ) as running:
        return running.wait()


def _storm(storm: Storm, seconds: int) -> None:
    """``get-session`` while the others sign in; they begin earlier and end later."""
    with Running(
        storm.target.address,
        list(sign_ins(storm.target)),
        connections=CONNECTIONS,
        seconds=seconds + 2,
        endless=True,
        expected=BY_KEY["sign-in"].expected,
    ) as running:
        running.settle()
        storm.stormy.append(_get_session(storm.target, seconds))
        # A server may refuse those that it cannot take at once.
        storm.sign_ins.append(running.wait(tolerant=True))
