"""``python -m benchmarks``: run, print, and write ``docs/benchmarks/``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from django_jazzauth.keys.secret import WorkerSecret

from .cold import measure_cold_start
from .comparison import Result, compare
from .databases import Shelf, reachable
from .disk import measure_disk
from .machine import describe_machine
from .operations import BY_KEY, OPERATIONS
from .plot import plot
from .report import ENGINE_NAMES, Run, closing, heading, line, markdown
from .sides import ENGINES, ROOT, VAR

_SIZES = "100,10000"
_SLICES = 15
_QUICK_SLICES = 5
_DISK_USERS = 10_000
_COLD_ROUNDS = 9
_EXTRAS = ("disk", "cold")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit status."""
    options = _options(arguments)
    slices = _QUICK_SLICES if options.quick else options.slices
    run = Run(date.today().isoformat(), describe_machine(), slices)
    databases = shelf()
    print(", ".join(f"{name} {value}" for name, value in run.machine.items()))
    try:
        for engine in options.db:
            reason = reachable(engine)
            if reason is not None:
                run.skipped[engine] = reason
                print(f"\n{ENGINE_NAMES[engine]} is left out: {reason}")
                continue
            _one_engine(run, databases, engine, options)
    except KeyboardInterrupt:
        options.out = VAR / "results"
        print("\nInterrupted; what was measured until then:")
    print(closing(run))
    print(f"\nours / stock; medians of {slices} slices per side, fed alternately.")
    if run.comparisons and options.out is not None:
        _write(run, options.out)
    return 1 if run.skipped and not run.comparisons else 0


def _one_engine(run: Run, shelf: Shelf, engine: str, options: argparse.Namespace) -> None:
    operations = [operation for operation in OPERATIONS if operation.key in options.only]
    if operations:
        for users in options.sizes:
            # Made before the heading, for that may take a while and shows its own progress.
            shelf.prepare(engine, users)
        print(heading(engine))
        run.comparisons += compare(shelf, engine, options.sizes, operations, run.slices, _show)
    if "disk" in options.only:
        run.disk += measure_disk(shelf, engine, _DISK_USERS)
    if "cold" in options.only:
        run.cold += measure_cold_start(shelf, engine, 3 if options.quick else _COLD_ROUNDS)


def _show(result: Result) -> None:
    print(line(result), flush=True)


def _write(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    caption = f"{run.machine['processor']}, {run.machine['cores']} cores, {run.machine['Python']}"
    (folder / "results.json").write_text(run.as_json())
    (folder / "results.svg").write_text(plot(run.results, caption))
    (folder / "index.md").write_text(markdown(run, "results.svg"))
    shown = folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder
    print(f"Written: {shown}/index.md, results.json, results.svg")


def shelf() -> Shelf:
    """The kept databases, with their secret; what is not there yet is made, and shown."""
    return Shelf(_secret(), _Progress())


class _Progress:
    """One line on stderr while a database is filled."""

    def __init__(self) -> None:
        self._key = ""
        self._started = 0.0

    def __call__(self, whose: str, what: str, done: int, total: int) -> None:
        key = f"{whose}: {what}"
        if key != self._key:
            self._key, self._started = key, time.monotonic()
        passed = time.monotonic() - self._started
        left = passed / done * (total - done)
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{key} {done:,} / {total:,}, {left:4.0f} s left {end}")
        sys.stderr.flush()


def _secret() -> str:
    """The secret of the kept databases; made at the first run."""
    path = VAR / "worker-secret"
    if not path.exists():
        VAR.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(WorkerSecret.generate().to_text())
    return path.read_text()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    keys = [*BY_KEY, *_EXTRAS]
    parser = argparse.ArgumentParser(
        prog="make bench ARGS=…",
        description="Compare stock Django with django_jazzauth, interleaved.",
        epilog=(
            f"Keys for --only: {', '.join(keys)}. Databases are kept under var/bench and on the "
            "PostgreSQL server (PGHOST, PGPORT, PGUSER, PGPASSWORD) as jazzauth_bench_*; those of "
            "1000000 users take some 12 GB and a quarter of an hour to fill."
        ),
    )
    parser.add_argument("--sizes", type=_sizes, default=_sizes(_SIZES), help=f"users, {_SIZES}")
    parser.add_argument("--db", type=_Among(ENGINES), default=list(ENGINES), help="engines, both")
    parser.add_argument("--only", type=_Among(keys), default=None, help="keys; see below")
    parser.add_argument("--slices", type=int, default=_SLICES, help=f"per side, {_SLICES}")
    parser.add_argument("--quick", action="store_true", help="fewer slices, for a first look")
    parser.add_argument(
        "--out", type=Path, help="folder for the results; docs/benchmarks for a whole run"
    )
    options = parser.parse_args(arguments)
    if options.slices < 2:
        parser.error("--slices must be at least 2")
    whole = options.only is None and not options.quick and options.db == list(ENGINES)
    if options.out is None:
        # A partial run must not take the place of the published results.
        options.out = ROOT / "docs" / "benchmarks" if whole else VAR / "results"
    options.only = options.only or keys
    return options


def _sizes(text: str) -> list[int]:
    sizes = sorted({int(part.replace("_", "")) for part in text.split(",")})
    if sizes[0] < 1:
        raise argparse.ArgumentTypeError("sizes begin at 1")
    return sizes


class _Among:
    """Takes a list of known words, with commas between."""

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def __call__(self, text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in self._known:
                raise argparse.ArgumentTypeError(
                    f"{word!r} is unknown; known are {', '.join(self._known)}"
                )
        return words


if __name__ == "__main__":
    sys.exit(main())
