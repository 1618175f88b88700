"""Runs the flows in Node against a server, and reads what its test runner reports."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FLOWS = HERE / "flows"
_TEST = re.compile(r'^test\(\s*"((?:[^"\\]|\\.)+)"', re.MULTILINE)
_PATIENCE = 300.0  # seconds for all of them


@dataclass(frozen=True)
class Outcome:
    """How one flow went."""

    passed: bool
    error: str


def listed(folder: Path = FLOWS) -> list[str]:
    """``<file>: <name>`` of every flow."""
    return [
        f"{file.name.removesuffix('.test.mjs')}: {name}"
        for file in sorted(folder.glob("*.test.mjs"))
        for name in _TEST.findall(file.read_text(encoding="utf-8"))
    ]


def run_flows(environment: dict[str, str], *, only: tuple[str, ...] = ()) -> dict[str, Outcome]:
    """Run them; what failed, failed with its error.

    Args:
        environment: what the harness reads, beside the process's own.
        only: names of files; all without it.
    """
    files = [FLOWS / f"{name}.test.mjs" for name in only] or sorted(FLOWS.glob("*.test.mjs"))
    done = subprocess.run(
        [
            *("node", "--no-warnings", "--test", "--test-reporter=./reporter.mjs"),
            *map(str, files),
        ],
        cwd=HERE,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    outcomes = {}
    for line in done.stdout.splitlines():
        told = json.loads(line)
        name = f"{Path(told['file']).name.removesuffix('.test.mjs')}: {told['name']}"
        outcomes[name] = Outcome(told["passed"], told.get("error") or "")
    if not outcomes:
        raise RuntimeError(f"Node reported nothing:\n{done.stderr[-4000:]}")
    return outcomes
