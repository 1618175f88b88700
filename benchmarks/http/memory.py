"""Does a worker's memory grow with the requests that it has answered?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .endpoints import BY_KEY
from .measuring import run_slice
from .processes import resident
from .target import Target

REQUESTS = 200_000
_STEP = 10_000
# By what a site is asked for; what is left of a step after the others is get-session.
_MIXED = ("bearer", "jwt", "token", "jwks", "sign-in", "sign-out", "sign-up")
_CONNECTIONS = 16


@dataclass(frozen=True)
class Sample:
    """Memory after so many answers, in bytes."""

    answered: int
    resident: int


def measure_memory(
    target: Target, *, requests: int, seconds: int, done: Callable[[Sample], None]
) -> list[Sample]:
    """Ask a server for everything in turn, half of it ``get-session``, and watch its memory.

    Args:
        target: the server.
        requests: answers to end after.
        seconds: of a slice; two thirds of the time go to ``get-session``.
        done: told each sample.
    """
    samples = [Sample(0, _resident(target))]
    done(samples[0])
    answered = 0
    while answered < requests:
        for key in _MIXED:
            answered += run_slice(target, BY_KEY[key], _CONNECTIONS, seconds).load.answered
            answered += run_slice(
                target, BY_KEY["get-session"], _CONNECTIONS, seconds
            ).load.answered
            if answered - samples[-1].answered >= _STEP:
                samples.append(Sample(answered, _resident(target)))
                done(samples[-1])
    return samples


def as_json(target: Target, samples: list[Sample]) -> dict[str, Any]:
    """As plain values."""
    return {
        "server": target.name,
        "users": target.users,
        "samples": [
            {"answered": sample.answered, "resident_mib": round(sample.resident / 2**20, 1)}
            for sample in samples
        ],
    }


def _resident(target: Target) -> int:
    """Of its worker: the largest of its processes."""
    return max(map(resident, target.processes()), default=0)
