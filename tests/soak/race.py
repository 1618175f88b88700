"""Many processes write the same few users at once: no error, no lost update, a clean log.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.race --processes 8 --writes 1000 --users 50``.
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
from typing import Any

import django


def _setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


def _work(number: int, writes: int, users: list[str], results: Any) -> None:
    _setup()
    from django.db import connection
    from django.db.models import F

    from django_jazzauth.models import Session
    from tests.testapp.models import Patient

    chance = random.Random(number)
    increments: dict[str, int] = {}
    errors: list[str] = []
    for turn in range(writes):
        pk = chance.choice(users)
        kind = chance.randrange(5)
        try:
            if kind == 0:
                Patient.objects.filter(pk=pk).update(visits=F("visits") + 1)
                increments[pk] = increments.get(pk, 0) + 1
            elif kind == 1:
                patient = Patient.objects.get(pk=pk)
                patient.visits = F("visits") + 1
                patient.save(update_fields=["visits"])
                increments[pk] = increments.get(pk, 0) + 1
            elif kind == 2:
                patient = Patient.objects.get(pk=pk)
                patient.name = f"process {number} turn {turn}"
                patient.save()
            elif kind == 3:
                patient = Patient.objects.get(pk=pk)
                extra = dict(patient.extra or {})
                extra[str(number)] = turn
                patient.notes = f"{number}:{turn}"
                patient.save()
            else:
                token = uuid.uuid4().hex
                session = Session.objects.create(token=token, expires_at=_tomorrow())
                if chance.random() < 0.5:
                    session.delete()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
    connection.close()
    results.put((increments, errors))


def _tomorrow() -> Any:
    from datetime import timedelta

    from django.utils import timezone

    return timezone.now() + timedelta(days=1)


def race(processes: int, writes: int, users: int) -> dict[str, Any]:
    """Run the race and count what went wrong.

    Args:
        processes: number of writer processes.
        writes: writes of each.
        users: number of entities that they share.

    Returns:
        Counts: errors that surfaced, lost updates, problems that ``verify`` found, and whether a
        rebuild made the same rows.
    """
    _setup()
    from django.db import connections

    from django_jazzauth.store import store
    from tests.testapp.models import Patient

    keys = [
        str(Patient.objects.create(record_no=uuid.uuid4().hex[:16], visits=0).pk)
        for _ in range(users)
    ]
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [
        context.Process(target=_work, args=(number, writes, keys, results))
        for number in range(processes)
    ]
    started = time.monotonic()
    for worker in workers:
        worker.start()
    outcomes = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - started
    expected: dict[str, int] = {}
    errors: list[str] = []
    for increments, failed in outcomes:
        errors.extend(failed)
        for pk, count in increments.items():
            expected[pk] = expected.get(pk, 0) + count
    found = {str(pk): visits for pk, visits in Patient.objects.values_list("pk", "visits")}
    lost = sum(count - found[pk] for pk, count in expected.items())
    before = _rows()
    report = store.verify()
    store.rebuild()
    return {
        "seconds": round(seconds, 1),
        "writes": processes * writes,
        "errors": len(errors),
        "first_errors": errors[:3],
        "lost_updates": lost,
        "problems": len(report.problems),
        "events": report.events,
        "rebuild_identical": _rows() == before,
    }


def _rows() -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM testapp_patient ORDER BY id")
        return [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in cursor.fetchall()
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    outcome = race(options.processes, options.writes, options.users)
    print(json.dumps(outcome, indent=2))
    clean = outcome["errors"] == outcome["lost_updates"] == outcome["problems"] == 0
    sys.exit(0 if clean and outcome["rebuild_identical"] else 1)
