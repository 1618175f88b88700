"""A writer is killed at random moments: no acknowledged write is lost, and the log stays clean.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.kill --runs 300``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import django


def _setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


def write_forever(marker: str) -> None:
    """Write without end; each line of output is a write that the database acknowledged."""
    _setup()
    from tests.testapp.models import Patient

    turn = 0
    while True:
        patient = Patient.objects.create(record_no=uuid.uuid4().hex[:16], name=marker)
        print(f"created {patient.pk}", flush=True)
        for _ in range(3):
            turn += 1
            patient.visits = turn
            patient.notes = f"turn {turn}"
            patient.save()
            print(f"saved {patient.pk} {turn}", flush=True)
        if turn % 2:
            pk = patient.pk
            patient.delete()
            print(f"deleted {pk}", flush=True)


def kill_once(seconds: float) -> list[str]:
    """Start a writer, kill it after ``seconds``, and return what it saw acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.kill", "--write", uuid.uuid4().hex],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()  # counts from the first write, not from the start-up
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    lines = (first + rest).splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


def lost_writes(acknowledged: list[str]) -> list[str]:
    """Those acknowledged writes that the database does not hold."""
    from tests.testapp.models import Patient

    expected: dict[str, int | None] = {}
    for line in acknowledged:
        verb, pk, *turn = line.split()
        expected[pk] = None if verb == "deleted" else int(turn[0]) if turn else 0
    found = {str(p.pk): p.visits for p in Patient.objects.filter(pk__in=list(expected))}
    last = acknowledged[-1].split()[1] if acknowledged else ""
    lost = []
    for pk, visits in expected.items():
        have = found.get(pk)
        # The write after the last acknowledged one may have been committed, too.
        if pk == last and (have is None or visits is None or have >= visits):
            continue
        if have != visits:
            lost.append(f"{pk}: {visits} acknowledged, {have} found")
    return lost


def kill(runs: int, seed: int = 1) -> dict[str, Any]:
    """Kill a writer ``runs`` times.

    Args:
        runs: how often.
        seed: of the random moments.

    Returns:
        Counts of writes, of lost writes, and of problems that ``verify`` found.
    """
    _setup()
    from django_jazzauth.store import store

    chance = random.Random(seed)
    writes = 0
    lost: list[str] = []
    for _ in range(runs):
        acknowledged = kill_once(chance.uniform(0.0, 0.25))
        writes += len(acknowledged)
        lost.extend(lost_writes(acknowledged))
    report = store.verify()
    return {
        "runs": runs,
        "acknowledged": writes,
        "lost": len(lost),
        "first_lost": lost[:3],
        "events": report.events,
        "problems": len(report.problems),
        "first_problems": [str(problem) for problem in report.problems[:3]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", help="internal: be the writer")
    options = parser.parse_args()
    if options.write:
        write_forever(options.write)
    outcome = kill(options.runs, options.seed)
    print(json.dumps(outcome, indent=2))
    sys.exit(0 if outcome["lost"] == outcome["problems"] == 0 else 1)
