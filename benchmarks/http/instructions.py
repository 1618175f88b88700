"""How many instructions an answer takes: ``make bench-instructions``.

Unlike a time, the number is the same on a busy machine, so that two releases can be compared. The
application runs in one process under valgrind's callgrind, without a server; counted is what it
does for N requests and for 2 N, and the difference is that of N requests alone. What the kernel
does, and a database server, is not in it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django_jazzauth import __version__

from ..machine import describe_machine
from ..report import markdown_table
from ..sides import ROOT, VAR
from .endpoints import BY_KEY
from .environment import SQLITE, environment
from .shelf import Shelf

_USERS = 1_000
_COUNT = 20
_KEYS = (
    *("get-session", "bearer", "jwt", "token", "jwks", "sign-out", "sign-in", "sign-up"),
    *("empty-drf", "empty-django"),
)
_FOLDER = ROOT / "docs" / "benchmarks"
_TOTALS = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


class ValgrindMissing(RuntimeError):
    """valgrind is not installed."""


class CountingFailed(RuntimeError):
    """The process under callgrind ended early, or could not be asked."""


class Counted:
    """The application under callgrind. A context manager.

    Args:
        told: environment of the process.
        notes: file with what was prepared.
        folder: for callgrind's files.
    """

    def __init__(self, told: dict[str, str], notes: Path, folder: Path) -> None:
        self._files = folder
        self._process = subprocess.Popen(
            [
                *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--quiet"),
                f"--callgrind-out-file={folder / 'counts'}",
                *(sys.executable, "-m", "benchmarks.http.inprocess", str(_USERS), str(notes)),
            ],
            cwd=ROOT,
            env={**told, "PYTHONHASHSEED": "0", "PYTHONMALLOC": "pymalloc"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._dumps = 0

    def count(self, key: str, requests: int) -> int:
        """Instructions of so many requests, and of saying that they are done."""
        self._say(f"{key} {requests}")
        self._expect("ready")
        self._control("--instr=on")
        self._control("--zero")
        self._say("go")
        self._expect("done")
        self._control("--dump")
        self._control("--instr=off")
        self._dumps += 1
        text = (self._files / f"counts.{self._dumps}").read_text()
        return int(_TOTALS.findall(text)[-1])

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _expect(self, word: str) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if line != word:
            raise CountingFailed(f"{line!r} instead of {word!r}")

    def _control(self, command: str) -> None:
        subprocess.run(
            ["callgrind_control", command, str(self._process.pid)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it says there what it does
        )

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()


def per_request(counted: Counted, key: str) -> int:
    """Instructions that one request takes, code and rows being in memory."""
    counted.count(key, _COUNT)
    once = counted.count(key, _COUNT)
    return round((counted.count(key, 2 * _COUNT) - once) / _COUNT)


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print and keep the numbers of this release; the exit status."""
    parser = argparse.ArgumentParser(prog="make bench-instructions")
    parser.add_argument("--release", default=__version__, help="name of the column, the version")
    parser.add_argument("--only", default=",".join(_KEYS), help="endpoints, with commas between")
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder, docs/benchmarks")
    parser.add_argument("--data", type=Path, default=VAR, help="of the databases, var/bench")
    options = parser.parse_args(arguments)
    try:
        counts = _count(options.data, options.only.split(","))
    except (ValgrindMissing, CountingFailed) as error:
        print(error, file=sys.stderr)
        return 1
    _keep(options.out, options.release, counts)
    return 0


def _count(data: Path, keys: Sequence[str]) -> dict[str, int]:
    if shutil.which("valgrind") is None:
        raise ValgrindMissing(
            "valgrind is not installed. On Debian and Ubuntu: apt-get install valgrind."
        )
    shelf = Shelf(data, lambda *_: None)
    database, _ = shelf.copy(SQLITE, _USERS, "instructions")
    told = environment(SQLITE, database, shelf.secret)
    counts = {}
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Counted(told, shelf.notes(SQLITE, _USERS), Path(folder)) as counted,
        ):
            for key in keys:
                counts[key] = per_request(counted, key)
                print(f"{BY_KEY[key].title:24} {counts[key]:>12,}", flush=True)
    finally:
        shelf.drop(SQLITE, "instructions")
    return counts


def _keep(folder: Path, release: str, counts: dict[str, int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "instructions.json"
    releases: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    machine = describe_machine()
    known = ("Python", "Django", "cryptography", "msgspec", "system")
    before = releases.get(release, {}).get("instructions", {})
    releases[release] = {
        "date": date.today().isoformat(),
        **{name: machine[name] for name in known},
        "instructions": {**before, **counts},
    }
    path.write_text(json.dumps(releases, indent=1) + "\n")
    (folder / "instructions.md").write_text(_page(releases))


def _page(releases: dict[str, Any]) -> str:
    rows = [
        (
            BY_KEY[key].title,
            *(_cell(release["instructions"].get(key)) for release in releases.values()),
        )
        for key in _KEYS
        if any(key in release["instructions"] for release in releases.values())
    ]
    about = [
        (name, *(release[name] for release in releases.values()))
        for name in ("date", "Python", "Django")
    ]
    return _INTRODUCTION + markdown_table([("instructions per answer", *releases), *rows, *about])


def _cell(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


_INTRODUCTION = """\
# Instructions per answer

How many instructions the process executes for one answer, release by release: a number that does
not depend on what else the machine does. `make bench-instructions` counts them with valgrind's
callgrind and renews this page and `instructions.json`.

The application is called in one process, without a server; SQLite, 1,000 people, a cheap password
hash, fixed hash seeds. Counted is the difference between 20 and 40 requests. The kernel's share,
such as writing to the disk, is not in it.

"""


if __name__ == "__main__":
    sys.exit(main())
