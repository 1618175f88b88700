"""Every database that a release wrote: this release opens it, and it says what it said.

A failure means that somebody's database would not survive the upgrade. Do not write the file anew:
those who use the release have it, too. Give the model that changed an upcaster, alias or migration
(``docs/howto/schema-changes.md``), or the format its old reader back (``docs/format.md``). Only
before its release is a database replaced: ``python -m tests.golden make --replace``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from django_jazzauth import __version__

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "data" / "golden"
RELEASES = sorted(folder.name for folder in GOLDEN.iterdir())
WHAT_TO_DO = (
    "\nA database of a release does not open. Write an upcaster, an alias or a migration for what "
    "changed; never write the file of a released version anew."
)


def test_this_release_has_one() -> None:
    assert __version__ in RELEASES, "run: python -m tests.golden make"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("verb", ["open", "open-removed"])
def test_it_opens(release: str, verb: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    shutil.copyfile(GOLDEN / release / "golden.sqlite3", copy)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("JAZZAUTH")
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", verb, str(GOLDEN / release), str(copy)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr + WHAT_TO_DO
    wrong = json.loads(done.stdout.splitlines()[-1])
    assert wrong == [], "\n".join(wrong) + WHAT_TO_DO


def test_a_database_is_not_written_twice() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", "make"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "never written again" in done.stderr
