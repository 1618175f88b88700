"""``python -m benchmarks.writers``: many writers on PostgreSQL, ours against pgbench."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from django_jazzauth.keys.secret import WorkerSecret

from . import pgbench
from .databases import reachable, remake, remove, server_dsn
from .machine import describe_machine
from .processes import WorkerProcess
from .sides import OURS, POSTGRESQL, VAR
from .writing import CREATE, KINDS

_DATABASE = "jazzauth_bench_writers"
_USERS = 2000
_LABELS = {
    OURS: "ours",
    pgbench.PLAIN: "pgbench",
    pgbench.GUARDED: "pgbench, our statements",
}
_WAITS = ("row locks", "growing files", "short locks", "disk", "running")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    options = _options(arguments)
    reason = reachable(POSTGRESQL)
    if reason is not None:
        print(f"PostgreSQL does not answer: {reason}", file=sys.stderr)
        return 1
    secret = WorkerSecret.generate().to_text()
    load = os.getloadavg()[1]  # before the writers add to it
    remake(_DATABASE)
    try:
        with WorkerProcess(OURS, POSTGRESQL, _DATABASE, secret) as worker:
            worker.ask("migrate")
            found = _measure(worker, options)
    finally:
        remove(_DATABASE)
    _write(options.out, found, options.seconds, load)
    return 0


def _write(folder: Path, found: list[dict[str, Any]], seconds: int, load: float) -> None:
    document = {
        "date": date.today().isoformat(),
        "machine": describe_machine() | {"waiting to run meanwhile": f"{load:.0f} processes"},
        "seconds": seconds,
        "results": found,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "writers.json").write_text(json.dumps(document, indent=1) + "\n")
    (folder / "writers.md").write_text(_markdown(document))


def _measure(worker: WorkerProcess, options: argparse.Namespace) -> list[dict[str, Any]]:
    dsn = server_dsn(_DATABASE)
    worker.ask("write", kind=CREATE, writers=1, seconds=1)
    with psycopg.connect(dsn, autocommit=True) as connection:
        conditions = {
            name: str(value)
            for name in ("server_version", "fsync", "synchronous_commit", "shared_buffers")
            for (value,) in connection.execute(f"SHOW {name}")
        }
        print(", ".join(f"{name} {value}" for name, value in conditions.items()))
        sizes = pgbench.lengths(connection)
        pgbench.make_tables(connection, _USERS)
    found: list[dict[str, Any]] = []
    for kind in KINDS:
        flavours = [pgbench.PLAIN, *([pgbench.GUARDED] if kind == CREATE else [])]
        for writers in options.writers:
            # Taken in turns, so that what else the machine does meets all of them.
            for number in range(options.rounds):
                took = {
                    OURS: worker.ask("write", kind=kind, writers=writers, seconds=options.seconds)
                }
                for flavour in flavours:
                    text = pgbench.script(kind, flavour, _USERS)
                    took[flavour] = pgbench.run(_DATABASE, text, writers, options.seconds, sizes)
                for who, result in took.items():
                    entry = {"kind": kind, "writers": writers, "round": number, "who": who} | result
                    entry["rate"] = result["count"] / result["seconds"]
                    found.append(entry)
                    print(_line(entry), flush=True)
    return found


def _line(entry: dict[str, Any]) -> str:
    waits = ", ".join(f"{name} {entry['waits'][name]:.0f} %" for name in _WAITS)
    return (
        f"{entry['kind']:8} {entry['writers']:3} writers  {_LABELS[entry['who']]:24} "
        f"{entry['rate']:8,.0f} / s  client {_each(entry, 'cpu'):>6}  "
        f"server {_each(entry, 'server_cpu'):>6} µs  {waits}"
    )


def _each(entry: dict[str, Any], name: str) -> str:
    used = entry[name]
    return "" if used is None else f"{1e6 * used / max(entry['count'], 1):,.0f}"


def _cores(entry: dict[str, Any]) -> str:
    used = entry["cpu"] + (entry["server_cpu"] or 0)
    return f"{used / entry['seconds']:.2f}"


def _markdown(document: dict[str, Any]) -> str:
    lines = [_HEAD.format(**document)]
    lines += [f"| {name} | {value} |" for name, value in document["machine"].items()]
    for kind in KINDS:
        lines += ["", f"## {_TITLES[kind]}", ""]
        lines += [
            f"| writers | | per second | client µs | server µs | cores | {' | '.join(_WAITS)} |",
            f"| ---: | --- | ---: | ---: | ---: | ---: | {' | '.join(['---:'] * len(_WAITS))} |",
        ]
        for entry in _medians(document["results"]):
            if entry["kind"] == kind:
                waits = " | ".join(f"{entry['waits'][name]:.1f} %" for name in _WAITS)
                lines.append(
                    f"| {entry['writers']} | {_LABELS[entry['who']]} | {entry['rate']:,.0f} "
                    f"| {_each(entry, 'cpu')} | {_each(entry, 'server_cpu')} "
                    f"| {_cores(entry)} | {waits} |"
                )
    return "\n".join(lines) + "\n"


def _medians(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the rounds of each measurement the one with the middle rate."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for entry in results:
        groups.setdefault((entry["kind"], entry["writers"], entry["who"]), []).append(entry)
    return [sorted(group, key=lambda e: e["rate"])[len(group) // 2] for group in groups.values()]


_TITLES = {"create": "Creating users", "save": "Saving users"}
_HEAD = """# Many writers on PostgreSQL

Written by `python -m benchmarks.writers` on {date}; run it to see your own machine.

* *Ours*: so many processes, each with a connection of its own and its own entities, call
  `User.objects.create()` (one transaction: data key, event, row) or `user.save()` (event, row).
* *pgbench* writes rows of the same size into copies of the same tables, with the same indexes, in
  one transaction as well, by prepared statements. It is a C program that computes nothing: no
  encryption, no digest, no Python. Its tables have no foreign keys.
* *pgbench, our statements* does so by the statements of ours, with all their conditions, into the
  very tables of ours: the difference to *pgbench* is what the log's own rules cost the server.
* Clients and server share the machine's cores. *Client µs* and *server µs* are the processor time
  of both per write, *cores* how much of them both had in all. On a machine that does other things,
  too, that is what limits a rate: compare the processor times then.
* The other columns say what the server's processes were doing, seen twenty times a second while a
  statement ran: *row locks* is waiting for another transaction, *growing files* for a table to get
  longer, *short locks* for the server's own memory (the write-ahead log's, mostly), *disk* for
  reading, writing or syncing, *running* for nothing.
* Given is the middle one of the rounds, {seconds} seconds each, which took turns.

|  |  |
| --- | ---: |"""


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writers", description=__doc__)
    parser.add_argument("--writers", type=_numbers, default=[1, 16, 64], help="1,16,64")
    parser.add_argument("--seconds", type=int, default=5, help="of each round, 5")
    parser.add_argument("--rounds", type=int, default=3, help="3")
    parser.add_argument(
        "--out",
        type=Path,
        default=VAR / "results",
        help="folder for the results; docs/benchmarks to publish them",
    )
    return parser.parse_args(arguments)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
