"""Processes claim the same unique values while the column moves to new keys: one wins each.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.reindex_race --rounds 3``. In each round the column goes from one generation
to the next in many small steps. With every step all processes claim the same values, new ones and
some from earlier steps, which are taken by rows on either side of the boundary.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import time
import uuid
from contextlib import nullcontext
from typing import Any

from .dying import setup

COLUMN = ("patient", "record_no")
# The first step of a round waits for somewhat longer than this many seconds.
os.environ.setdefault("JAZZAUTH_TEST_KEYS_MAX_AGE", "0.2")


def _claim(jobs: Any, results: Any) -> None:
    setup()
    from django.db import IntegrityError, transaction

    from tests.testapp.models import Patient

    results.put([])
    while True:
        values = jobs.get()
        if values is None:
            return
        won, failed = [], []
        for value in values:
            try:
                with transaction.atomic() if random.random() < 0.5 else nullcontext():
                    Patient.objects.create(record_no=value)
                won.append(value)
            except IntegrityError:
                if Patient.objects.filter(record_no=value).count() != 1:
                    failed.append(f"{value} is taken, and not found")
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")
        results.put((won, failed))


def _steps(run: Any, column: Any) -> Any:
    """What happens in one round, piece by piece."""
    from django_jazzauth.keys.index_places import columns_on_their_way
    from django_jazzauth.keys.index_rotation import announce
    from django_jazzauth.keys.keyring import keyring

    yield lambda: None
    yield lambda: (announce("default", [COLUMN]), keyring("default").forget())
    yield run._wait_until_known
    while columns_on_their_way("default")["patient.record_no"] < 1:
        yield lambda: run._step(column, 4)
    yield lambda: run._settle([column])
    yield lambda: None


def reindex_race(processes: int, rounds: int, claims: int) -> dict[str, Any]:
    """Let processes race.

    Args:
        processes: how many.
        rounds: how often the column moves.
        claims: values that are claimed with each step.

    Returns:
        Counts of steps, of claims, and of what went wrong.
    """
    setup()
    from django.db import connections

    from django_jazzauth.store import store
    from django_jazzauth.store.reindex import MARGIN, _Run, all_columns
    from tests.testapp.models import Patient

    chance = random.Random(1)
    known = [uuid.uuid4().hex[:16] for _ in range(20)]
    for value in known:
        Patient.objects.create(record_no=value)
    wins = dict.fromkeys(known, 1)
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    jobs = [context.Queue() for _ in range(processes)]
    results = context.Queue()
    children = [context.Process(target=_claim, args=(job, results)) for job in jobs]
    for child in children:
        child.start()
    for _ in children:
        results.get()
    column = next(c for c in all_columns() if (c.entity, c.key) == COLUMN)
    wait = MARGIN * float(os.environ["JAZZAUTH_TEST_KEYS_MAX_AGE"])
    errors: list[str] = []
    steps = 0
    for _ in range(rounds):
        for step in _steps(_Run("default", 4, wait, 60, None), column):
            fresh = [uuid.uuid4().hex[:16] for _ in range(claims)]
            values = [*fresh, *chance.sample(sorted(wins), 3)]
            chance.shuffle(values)
            for job in jobs:
                job.put(values)
            time.sleep(chance.uniform(0, 0.05))
            step()
            steps += 1
            for won, failed in (results.get() for _ in children):
                errors += failed
                for value in won:
                    wins[value] = wins.get(value, 0) + 1
    for job in jobs:
        job.put(None)
    for child in children:
        child.join()
    rows = list(Patient.objects.values_list("record_no", flat=True))
    report = store.verify()
    return {
        "rounds": rounds,
        "steps": steps,
        "values": len(wins),
        "errors": len(errors),
        "first_errors": errors[:5],
        "won_twice": [value for value, count in wins.items() if count != 1],
        "duplicates": len(rows) - len(set(rows)),
        "lost": len(set(wins) - set(rows)),
        "problems": len(report.problems),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--claims", type=int, default=4)
    outcome = reindex_race(**vars(parser.parse_args()))
    print(json.dumps(outcome, indent=2))
    bad = ("errors", "won_twice", "duplicates", "lost", "problems")
    sys.exit(1 if any(outcome[name] for name in bad) else 0)
