"""How fast the log grows, and what compaction leaves of it: ``make bench-log``."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ..databases import reachable
from ..report import markdown_table
from ..sides import POSTGRESQL, ROOT, VAR
from .environment import ENGINES, POSTGRES, environment
from .report import NAMES
from .shelf import FillingFailed, Shelf

_USERS = 1_000
_FOLDER = ROOT / "docs" / "benchmarks"
_WEEKS = 52
_CHANGES = 4

Found = dict[str, dict[str, float]]

_DONE = {
    "sign-up": "a sign-up, with its session",
    "profile": "a changed name",
    "sign-in": "a sign-in",
    "renewals": "four renewals of a session, one a day",
    "sign-out": "a sign-out",
    "compacted": "what compaction leaves of the last three",
}


def user_year(found: Found) -> tuple[float, float]:
    """Bytes that a person's year adds to the log, and what compaction leaves of them.

    The person signs in each Monday, comes back every day until Friday, signs out then, and changes
    their name four times a year.
    """
    log = {name: sizes["log"] for name, sizes in found.items()}
    changes = _CHANGES * log["profile"]
    week = log["sign-in"] + log["renewals"] + log["sign-out"]
    return _WEEKS * week + changes, _WEEKS * log["compacted"] + changes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the page; the exit status."""
    parser = argparse.ArgumentParser(prog="make bench-log")
    parser.add_argument("--db", choices=ENGINES, action="append", help="both")
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder, docs/benchmarks")
    parser.add_argument("--data", type=Path, default=VAR, help="of the databases, var/bench")
    options = parser.parse_args(arguments)
    shelf = Shelf(options.data, lambda *_: None)
    found: dict[str, Found] = {}
    for engine in options.db or ENGINES:
        reason = reachable(POSTGRESQL) if engine == POSTGRES else None
        if reason is not None:
            print(f"{NAMES[engine]} is left out: {reason}", file=sys.stderr)
            continue
        try:
            found[engine] = _measure(shelf, engine)
        except (FillingFailed, subprocess.CalledProcessError) as error:
            print(error, file=sys.stderr)
            return 1
    page = _page(found)
    print(page)
    options.out.mkdir(parents=True, exist_ok=True)
    document = {"date": date.today().isoformat(), "unit": "bytes each", **found}
    (options.out / "log.json").write_text(json.dumps(document, indent=1) + "\n")
    (options.out / "log.md").write_text(_INTRODUCTION + page)
    return 0


def _measure(shelf: Shelf, engine: str) -> Found:
    database, _ = shelf.copy(engine, _USERS, "log")
    try:
        answer = subprocess.run(
            [
                *(sys.executable, "-m", "benchmarks.http.lasting", str(_USERS)),
                str(shelf.notes(engine, _USERS)),
            ],
            cwd=ROOT,
            env=environment(engine, database, shelf.secret),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        shelf.drop(engine, "log")
    found: Found = json.loads(answer.stdout)
    return found


def _page(found: dict[str, Found]) -> str:
    engines = list(found)
    header = [f"{NAMES[engine]}{what}" for engine in engines for what in (", all", ", log")]
    rows = [
        (
            title,
            *(f"{found[engine][key][of]:,.0f}" for engine in engines for of in ("all", "log")),
        )
        for key, title in _DONE.items()
    ]
    years = [
        (NAMES[engine], *(f"{size / 1024:,.0f}" for size in user_year(found[engine])))
        for engine in engines
    ]
    return "\n".join(
        [
            markdown_table([("bytes that it adds", *header), *rows]),
            markdown_table([("a person's year in the log, KiB", "whole", "compacted"), *years]),
        ]
    )


_INTRODUCTION = """\
# Growth of the log

What things add to the database, indexes included: *all* is the whole database, *log* the events and
data keys, which stay when a row goes. Written by `make bench-log`: 500 of each, through the API, on
a database of 1,000 people, each time vacuumed before its size is taken.

A person's year: they sign in each Monday, come back each day until Friday, sign out, and change
their name four times. *Compacted* is what `jazzauth compact` leaves when the retention of sessions
is over: the headers of their events, and one event more for each that was compacted. What a sign-in
adds to the history of the user, the time of the last login, stays.

"""


if __name__ == "__main__":
    sys.exit(main())
