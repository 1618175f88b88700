"""``python -m tests.golden make | open FOLDER COPY | open-removed FOLDER COPY``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from django_jazzauth import __version__

from . import making, opening

ROOT = Path(__file__).resolve().parents[1] / "data" / "golden"


def main() -> int:
    """Write or open a golden database."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    make = verbs.add_parser("make", help=f"write the one of {__version__}")
    make.add_argument(
        "--replace", action="store_true", help="before the release only: write it anew"
    )
    for verb in ("open", "open-removed"):
        each = verbs.add_parser(verb, help="what the test does")
        each.add_argument("folder", type=Path)
        each.add_argument("copy", type=Path)
    given = parser.parse_args()
    if given.verb != "make":
        act = opening.open_copy if given.verb == "open" else opening.removed_worker_is_refused
        print(json.dumps(act(given.folder, given.copy)))
        return 0
    folder = ROOT / __version__
    if folder.exists() and not given.replace:
        print(
            f"{folder.name} is there already. A released database is never written again: its "
            "users have it. Before the release: --replace.",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        making.make(made)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    print(f"Wrote {folder.relative_to(ROOT.parents[2])}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
