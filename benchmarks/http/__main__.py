"""``python -m benchmarks.http``: start the servers, drive them, print, and write the results."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from itertools import product
from typing import Any

from ..machine import describe_machine
from . import memory, report
from .endpoints import BY_KEY
from .environment import CHEAP, POSTGRES, REAL, environment
from .measuring import Result, measure
from .options import read_options
from .processes import family
from .server import Server, ServerFailed, Serving
from .shelf import FillingFailed, Shelf, backends
from .storm import Storm, measure_storms
from .target import Refused, Target
from .wrk import LoadFailed, WrkMissing, find_wrk

_OURS = frozenset({"api", "ours", "admin"})
_FLOOR = frozenset({"floor"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    options = read_options(arguments)
    try:
        find_wrk()
        with ExitStack() as stack:
            targets = list(_targets(options, stack))
            run = _run(options, targets)
    except (WrkMissing, LoadFailed, ServerFailed, FillingFailed, Refused) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: nothing is written.", file=sys.stderr)
        return 130
    report.write(run, options.out, options.section)
    return 0


def _run(options: argparse.Namespace, targets: list[Target]) -> dict[str, Any]:
    run: dict[str, Any] = {
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "database": options.db,
        "server": ", ".join(options.server),
        "threads": options.threads,
        "seconds": options.seconds,
        "slices": options.slices,
    }
    if options.storm:
        able = [target for target in targets if target.hashing == REAL]
        storms = measure_storms(
            able, slices=options.slices, seconds=options.seconds, done=_show_storm
        )
        return run | {"storm": [storm.as_json() for storm in storms]}
    if options.memory:
        (target,) = [one for one in targets if one.is_ours and one.hashing == CHEAP]
        samples = memory.measure_memory(
            target, requests=options.memory, seconds=options.seconds, done=_show_sample
        )
        return run | {"memory": memory.as_json(target, samples)}
    print(report.heading())
    results = measure(
        targets,
        [BY_KEY[key] for key in options.only],
        options.connections,
        slices=options.slices,
        seconds=options.seconds,
        done=_show,
    )
    return run | {"results": [result.as_json() for result in results]}


def _targets(options: argparse.Namespace, stack: ExitStack) -> Iterator[Target]:
    """Start everything; it is stopped when the stack is left."""
    shelf = Shelf(options.data, _progress)
    # A storm needs the real hash, everything but that is seen better without.
    hashes = [REAL] if options.storm else [CHEAP] if options.memory else options.hash
    only = [BY_KEY[key] for key in options.only]
    if not any(endpoint.hashes for endpoint in only):
        hashes = hashes[:1]
    for serving, users, hashing in product(options.servings, options.sizes, hashes):
        yield _ours(options, serving, shelf, stack, users, hashing)
    if any(endpoint.key == "raw" for endpoint in only) and not (options.storm or options.memory):
        raw = stack.enter_context(
            Server(Serving("granian", 1), "benchmarks.http.raw", lambda _: dict(os.environ))
        )
        raw.wait("/")
        yield Target("floor", raw.address, processes=raw.processes, groups=_FLOOR, is_raw=True)
    for peer in options.peers:
        pid = peer.pid
        yield Target(
            peer.name,
            peer.address,
            api=peer.api,
            hashing=peer.hashing,
            origin=peer.origin,
            processes=(lambda pid=pid: family(pid)) if pid else list,
        )


def _ours(
    options: argparse.Namespace,
    serving: Serving,
    shelf: Shelf,
    stack: ExitStack,
    users: int,
    hashing: str,
) -> Target:
    purpose = f"run-{serving.server}-{users}-{hashing}"
    database, prepared = shelf.copy(options.db, users, purpose)
    stack.callback(shelf.drop, options.db, purpose)

    def told(address: str) -> dict[str, str]:
        return environment(
            options.db,
            database,
            shelf.secret,
            hashing=hashing,
            memo=options.memo,
            # In a storm it is to be seen that some are refused; elsewhere it is a wrong answer.
            queue=None if options.storm else options.threads,
            address=address,
        )

    server = stack.enter_context(Server(serving, f"benchmarks.http.{serving.interface}", told))
    server.wait("/api/auth/ok")
    # The floor is the same for all sizes.
    first = users == options.sizes[0] and hashing == CHEAP
    return Target(
        serving.server if len(options.servings) > 1 else f"{users:,} users",
        server.address,
        hashing=hashing,
        users=users,
        processes=server.processes,
        database=(lambda: backends(database)) if options.db == POSTGRES else list,
        prepared=prepared,
        groups=_OURS | _FLOOR if first else _OURS,
    )


def _show(results: list[Result]) -> None:
    for result in results:
        print(report.line(result.as_json()), flush=True)


def _show_storm(storm: Storm) -> None:
    print(report.storm_line(storm.as_json()), flush=True)


def _show_sample(sample: memory.Sample) -> None:
    print(f"{sample.answered:>9,} answers {sample.resident / 2**20:8.1f} MiB", flush=True)


def _progress(engine: str, users: int, done: int) -> None:
    end = "\n" if done == users else ""
    sys.stderr.write(f"\rfilling {engine}: {done:,} / {users:,} people {end}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
