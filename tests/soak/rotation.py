"""Keys change hands under a load of sign-ins by HTTP: none fails, no write is lost, a clean log.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.rotation --processes 3 --threads 2 --rounds 20 --rewrap``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
import threading
import time
import uuid
from typing import Any

import django
import requests

PASSWORD = "correct-horse-battery"
KINDS = (
    "sign in",
    "sign up",
    "read then write",
    "two writes",
    "expression",
    "raced",
    "session",
    "claim",
    "find",
)


def _setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


class Load:
    """What one thread does without pause, and what of it failed."""

    def __init__(
        self, address: str, number: int, emails: list[str], patients: list[str], shared: str
    ) -> None:
        self.address = address
        self.http = requests.Session()
        self.chance = random.Random(number)
        self.number = number
        self.emails = emails
        self.patients = patients
        self.shared = shared
        self.done = dict.fromkeys(KINDS, 0)
        self.increments = 0
        self.claimed: list[str] = []
        self.errors: list[str] = []

    def run(self, stop: Any) -> None:
        from django.db import connection

        while not stop.is_set():
            kind = self.chance.choice(KINDS)
            try:
                getattr(self, "_" + kind.replace(" ", "_"))()
                self.done[kind] += 1
            except Exception as error:
                self.errors.append(f"{kind}: {type(error).__name__}: {error}")
        connection.close()

    def _post(self, path: str, body: dict[str, str]) -> Any:
        response = self.http.post(
            f"{self.address}/api/auth{path}",
            json=body,
            headers={"origin": "http://localhost:3100"},
            timeout=60,
        )
        self.http.cookies.clear()
        if response.status_code != 200:
            raise AssertionError(f"{response.status_code} {response.content[:200]!r}")
        return response

    def _sign_in(self) -> None:
        email = self.chance.choice(self.emails)
        self._post("/sign-in/email", {"email": email, "password": PASSWORD})

    def _sign_up(self) -> None:
        email = f"{uuid.uuid4().hex}@example.org"
        self._post("/sign-up/email", {"email": email, "password": PASSWORD, "name": "New"})

    def _read_then_write(self) -> None:
        from django.db import transaction

        from tests.testapp.models import Patient

        with transaction.atomic():
            patient = Patient.objects.get(pk=self.chance.choice(self.patients))
            time.sleep(self.chance.uniform(0, 0.02))
            patient.notes = uuid.uuid4().hex
            patient.save()

    def _two_writes(self) -> None:
        from django.db import transaction

        from tests.testapp.models import Patient

        with transaction.atomic():
            patient = Patient.objects.create(record_no=uuid.uuid4().hex[:16])
            time.sleep(self.chance.uniform(0, 0.02))
            patient.name = "second"
            patient.save()
            Patient.objects.create(record_no=uuid.uuid4().hex[:16])

    def _expression(self) -> None:
        from django.db.models import F

        from tests.testapp.models import Patient

        pk = self.patients[0]
        Patient.objects.filter(pk=pk).update(visits=F("visits") + 1)
        self.increments += 1

    def _raced(self) -> None:
        from tests.testapp.models import Patient

        # Everybody saves this one: whoever re-wraps it meets a writer sooner or later.
        patient = Patient.objects.get(pk=self.shared)
        patient.extra = {"by": self.number}
        patient.save()

    def _session(self) -> None:
        from django_jazzauth.models import Session

        email = self.chance.choice(self.emails)
        answer = self._post("/sign-in/email", {"email": email, "password": PASSWORD})
        session = Session.objects.get(token=answer.json()["token"])
        session.user_agent = "another"
        session.save()
        session.delete()

    def _claim(self) -> None:
        from django.db import IntegrityError, transaction

        from tests.testapp.models import Patient

        # Everybody wants this one at this moment, and once more when it may have moved.
        number = f"claim-{int(time.time() * self.chance.choice((1, 10)))}"
        try:
            with transaction.atomic():
                Patient.objects.create(record_no=number, email=f"{number}@example.org")
            self.claimed.append(number)
        except IntegrityError:
            assert Patient.objects.filter(record_no=number).count() == 1, number

    def _find(self) -> None:
        from django.contrib.auth import get_user_model

        from tests.testapp.models import Patient

        email = self.chance.choice(self.emails)
        users = get_user_model().objects.filter(email__in=self.emails)
        assert get_user_model().objects.get(email__iexact=email.upper()).email == email
        assert users.values("email").distinct().count() == len(self.emails)
        assert Patient.objects.filter(email="same@example.org").count() == len(self.patients) + 1


def _serve() -> str:
    """Answer HTTP from threads of this process; the address."""
    from django.core.servers.basehttp import ThreadedWSGIServer
    from django.core.wsgi import get_wsgi_application
    from django.test.testcases import QuietWSGIRequestHandler

    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _work(number: int, threads: int, names: Any, ready: Any, stop: Any, results: Any) -> None:
    _setup()
    address = _serve()
    ready.put(number)
    loads = [Load(address, number * 100 + index, *names) for index in range(threads)]
    running = [threading.Thread(target=load.run, args=(stop,)) for load in loads]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    results.put([(load.done, load.increments, load.claimed, load.errors) for load in loads])


def rotation(
    processes: int, threads: int, rounds: int, pause: float, rewrap: bool, reindex: bool
) -> dict[str, Any]:
    """Rotate ``rounds`` times under load.

    Args:
        processes: processes that make requests.
        threads: threads in each of them.
        rounds: how often the epoch changes.
        pause: seconds between two rounds at least.
        rewrap: move everything to the new epoch, and retire the old one, in each round.
        reindex: give all searchable columns new keys in each round, in place of a new epoch.

    Returns:
        Counts: requests, failures, lost updates, problems that ``verify`` found.
    """
    if reindex:  # each round waits for somewhat longer than this
        os.environ.setdefault("JAZZAUTH_TEST_KEYS_MAX_AGE", "0.5")
    _setup()
    from django.contrib.auth import get_user_model
    from django.db import connections

    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.store import store
    from tests.testapp.models import Patient

    emails = [f"{uuid.uuid4().hex}@example.org" for _ in range(5)]
    for email in emails:
        get_user_model().objects.create_user(email[:30], email, PASSWORD)
    made = [
        Patient.objects.create(record_no=uuid.uuid4().hex[:16], email="same@example.org")
        for _ in range(20)
    ]
    patients = [str(patient.pk) for patient in made]
    connections.close_all()
    context = multiprocessing.get_context("spawn")
    results, ready, stop = context.Queue(), context.Queue(), context.Event()
    names = emails, patients[1:], patients[0]
    workers = [
        context.Process(target=_work, args=(number, threads, names, ready, stop, results))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.get()
    started = time.monotonic()
    own: list[str] = []
    moved = 0
    for _ in range(rounds):
        try:
            if reindex:
                from django_jazzauth.store.reindex import reindex as renew

                moved += renew("default", batch=20).moved
                continue
            number = rotate("default").number
            if rewrap:
                from django_jazzauth.store.retire import retire
                from django_jazzauth.store.rewrap import rewrap as move

                move("default")
                retire("default", number - 1)
        except Exception as error:
            own.append(f"{type(error).__name__}: {error}")
        time.sleep(pause)
    seconds = time.monotonic() - started
    stop.set()
    outcomes = [outcome for _ in workers for outcome in results.get()]
    for worker in workers:
        worker.join()
    errors = own + [error for *_, failed in outcomes for error in failed]
    incremented = sum(count for _, count, *_ in outcomes)
    claims = [number for _, _, claimed, _ in outcomes for number in claimed]
    held = [n for n in Patient.objects.values_list("record_no", flat=True) if n[:6] == "claim-"]
    found = Patient.objects.get(pk=patients[1]).visits
    report = store.verify()
    return {
        "seconds": round(seconds, 1),
        "rounds": rounds,
        "requests": sum(sum(done.values()) for done, *_ in outcomes),
        "by_kind": {kind: sum(done[kind] for done, *_ in outcomes) for kind in KINDS},
        "errors": len(errors),
        "first_errors": errors[:5],
        "lost_updates": incremented - found,
        "values_moved": moved,
        "claims": len(claims),
        "duplicates": len(held) - len(set(claims)) + len(claims) - len(set(claims)),
        "events": report.events,
        "problems": len(report.problems),
        "first_problems": [str(problem) for problem in report.problems[:3]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.2)
    parser.add_argument("--rewrap", action="store_true")
    parser.add_argument("--reindex", action="store_true")
    options = parser.parse_args()
    outcome = rotation(**vars(options))
    print(json.dumps(outcome, indent=2))
    clean = (
        outcome["errors"]
        == outcome["lost_updates"]
        == outcome["problems"]
        == 0
        == outcome["duplicates"]
    )
    sys.exit(0 if clean else 1)
