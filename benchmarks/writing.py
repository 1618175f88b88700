"""Many processes that write at once through the public API of ours."""

from __future__ import annotations

import multiprocessing
import resource
import time
import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections

from . import people
from .databases import server_dsn
from .sides import this_database
from .waits import Sampler

CREATE, SAVE = "create", "save"
KINDS = (CREATE, SAVE)

_OWN = 50
"""Users that each writer saves, one after the other, over and over."""

_READY_SECONDS = 300


def write_together(kind: str, writers: int, seconds: int) -> dict[str, Any]:
    """Let so many processes write, each through a connection of its own, each its own entities.

    Args:
        kind: ``create`` (a user: data key, event, row) or ``save`` (of a user: event, row).
        writers: how many processes.
        seconds: how long.

    Returns:
        ``count`` of committed writes, the ``seconds`` that passed, ``cpu`` seconds of the writers,
        ``server_cpu`` seconds of the server's processes and what those waited for (``waits``).
    """
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(writers + 1)
    results = fork.Queue()
    processes = [
        fork.Process(target=_write, args=(kind, seconds, barrier, results), daemon=True)
        for _ in range(writers)
    ]
    for process in processes:
        process.start()
    barrier.wait(_READY_SECONDS)
    started = time.monotonic()
    with Sampler(server_dsn(this_database()), this_database()) as sampler:
        found = [results.get(timeout=seconds + _READY_SECONDS) for _ in processes]
    passed = time.monotonic() - started
    for process in processes:
        process.join()
    return {
        "count": sum(count for count, _ in found),
        "seconds": passed,
        "cpu": sum(cpu for _, cpu in found),
        "server_cpu": sampler.cpu,
        "waits": sampler.shares(),
    }


def _write(kind: str, seconds: int, barrier: Any, results: Any) -> None:
    serial = uuid.uuid4().hex[:12]
    number = 0

    def create() -> Any:
        nonlocal number
        number += 1
        fields = people.person(number)
        fields |= {
            "id": uuid.uuid4(),
            "username": f"{serial}{number:08d}"[-len(fields["username"]) - 6 :],
            "email": f"{serial}.{number:07d}@example.org",
        }
        return get_user_model().objects.create(**fields)

    users = [create() for _ in range(_OWN if kind == SAVE else 5)]
    barrier.wait(_READY_SECONDS)
    count = 0
    cpu = _cpu()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if kind == CREATE:
            create()
        else:
            user = users[count % len(users)]
            user.name = f"{count} times"
            user.save()
        count += 1
    results.put((count, _cpu() - cpu))
    connections.close_all()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
