"""A writer is killed at random moments: no acknowledged write is lost, and the log stays clean.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.kill --runs 300``. Every second kill comes before a certain statement (or
COMMIT), the others after a certain time.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import uuid
from typing import Any

from .dying import Nursery, serve, setup


def write_forever(marker: str) -> None:
    """Write without end; each line of output is a write that the database acknowledged."""
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


def lost_writes(acknowledged: list[str], marker: str) -> list[str]:
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
            lost.append(f"{marker} {pk}: {visits} acknowledged, {have} found")
    return lost


def kill(runs: int, seed: int = 1) -> dict[str, Any]:
    """Kill a writer ``runs`` times.

    Args:
        runs: how often.
        seed: of the random moments.

    Returns:
        Counts of writes, of lost writes, and of problems that ``verify`` found.
    """
    setup()
    nursery = Nursery("kill")
    from django_jazzauth.store import store

    chance = random.Random(seed)
    writes = 0
    lost: list[str] = []
    failed: list[str] = []
    for run in range(runs):
        marker = uuid.uuid4().hex
        if run % 2:
            death = nursery.run(marker, seconds=chance.uniform(0.01, 0.25))
        else:
            death = nursery.run(marker, step=chance.randint(1, 120))
        writes += len(death.said)
        failed += [death.failed] if death.failed else []
        lost.extend(lost_writes(death.said, marker))
    nursery.close()
    report = store.verify()
    return {
        "runs": runs,
        "acknowledged": writes,
        "lost": len(lost),
        "first_lost": lost[:3],
        "failed": len(failed),
        "first_failed": failed[:3],
        "events": report.events,
        "problems": len(report.problems),
        "first_problems": [str(problem) for problem in report.problems[:3]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help="internal: fork the writers")
    options = parser.parse_args()
    if options.serve:
        serve("kill", write_forever)
        sys.exit(0)
    outcome = kill(options.runs, options.seed)
    print(json.dumps(outcome, indent=2))
    sys.exit(0 if outcome["lost"] == outcome["problems"] == outcome["failed"] == 0 else 1)
