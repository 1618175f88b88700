"""Commands are killed at every step: nothing is stuck, and running them again finishes.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.key_kill --runs 100``. Each run makes people, starts one of the commands in a
process of its own, with a writer beside it, kills it with SIGKILL, and runs it again to its end.
Every other kill comes before a statement (or COMMIT) between the command's first and last one, the
rest after a random time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import threading
import time
import uuid
from typing import Any

from .dying import Death, Nursery, serve, setup

COMMANDS = (
    "rotate",
    "rewrap",
    "retire",
    "remove",
    "shred",
    "compact",
    "checkpoint",
    "restore",
    "reindex",
)
# A re-indexing waits for somewhat longer than this many seconds.
os.environ.setdefault("JAZZAUTH_TEST_KEYS_MAX_AGE", "0.1")


def act(order: str) -> None:
    """What the process that is killed does: a command in many small steps."""
    from django_jazzauth.store import compaction
    from django_jazzauth.store.rewrap import remaining

    verb, _, argument = order.partition(" ")
    compaction.BATCH = 2
    batch = max(2, remaining("default").total // 8) if verb == "rewrap" else 4
    _do(verb, argument, batch)


def _do(verb: str, argument: str, batch: int = 500) -> None:
    from django.contrib.auth import get_user_model
    from django.test import override_settings

    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.keys.workers import remove_worker
    from django_jazzauth.store import store
    from django_jazzauth.store.checkpoints import take
    from django_jazzauth.store.compaction import compact
    from django_jazzauth.store.reindex import reindex
    from django_jazzauth.store.retire import retire
    from django_jazzauth.store.rewrap import rewrap

    if verb == "rotate":
        rotate("default")
    elif verb == "rewrap":
        assert rewrap("default", batch=batch).left.total == 0
    elif verb == "retire":
        retire("default", int(argument))
    elif verb == "remove":
        remove_worker("default", argument)
    elif verb == "reindex":
        assert not reindex("default", batch=batch).left
    elif verb == "compact":
        from django.conf import settings

        with override_settings(JAZZAUTH={**settings.JAZZAUTH, "RETENTION": {"patient": 0}}):
            compact("default")
    elif verb == "checkpoint":
        take()
    elif verb == "restore":
        store.restore(get_user_model(), argument)
    else:
        store.shred(get_user_model(), pk=argument)


class Writer(threading.Thread):
    """Saves one patient without pause, and knows what was acknowledged.

    In between it looks the patient up, tries to give its number away a second time, which must
    never succeed, and gives it another one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ends = threading.Event()
        self.turn = 0
        self.errors: list[str] = []

    def run(self) -> None:
        from django.db import connection

        from tests.testapp.models import Patient

        self.patient = Patient.objects.create(record_no=uuid.uuid4().hex[:16])
        while not self.ends.is_set():
            try:
                self.patient.visits = self.turn + 1
                self.patient.save()
                self.turn += 1
                self._look_up_and_double()
                time.sleep(0.002)
            except Exception as error:
                self.errors.append(f"writer: {type(error).__name__}: {error}")
        connection.close()

    def _look_up_and_double(self) -> None:
        from django.db import IntegrityError, transaction

        from tests.testapp.models import Patient

        taken = self.patient.record_no
        Patient.objects.get(record_no=taken)
        try:
            with transaction.atomic():
                Patient.objects.create(record_no=taken)
        except IntegrityError:
            pass
        else:
            self.errors.append(f"writer: {taken} was given twice")
        self.patient.record_no = uuid.uuid4().hex[:16]
        self.patient.save()

    def stop(self) -> list[str]:
        from tests.testapp.models import Patient

        self.ends.set()
        self.join()
        found = Patient.objects.get(pk=self.patient.pk)
        lost = [f"writer: {self.turn} acknowledged, {found.visits} found"]
        lost = [] if found.visits == self.turn else lost
        found.delete()
        return self.errors + lost


def _people(count: int) -> list[Any]:
    from django.contrib.auth import get_user_model

    from tests.testapp.models import Patient

    users = []
    for _ in range(count):
        name = uuid.uuid4().hex
        user = get_user_model().objects.create_user(name[:20], f"{name}@example.org", "pw")
        for part in range(2):
            Patient.objects.create(record_no=f"{name[:15]}{part}", owner=user, notes=name)
        users.append(user)
    return users


def _prepare(verb: str, users: list[Any]) -> str:
    """Make a state in which there is something to do; returns the command's argument."""
    from django_jazzauth.keys.card import Card
    from django_jazzauth.keys.models import Epoch
    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.keys.secret import WorkerSecret
    from django_jazzauth.keys.workers import add_worker
    from django_jazzauth.store.rewrap import rewrap

    if verb == "shred":
        return str(users[0].pk)
    if verb == "restore":
        pk = str(users[0].pk)
        users.pop(0).delete()
        return pk
    if verb == "compact":
        while len(users) > 1:
            users.pop().delete()
    if verb == "remove":
        return add_worker("default", uuid.uuid4().hex, Card.of(WorkerSecret.generate()))
    if verb in ("rewrap", "retire"):
        rotate("default")
    if verb == "retire":
        assert rewrap("default").left.total == 0
        return str(Epoch.objects.get(superseded_at=None).number - 1)
    return ""


def _again(verb: str, argument: str, done: bool) -> None:
    """Run the command to its end, as somebody would who saw it die."""
    from django.contrib.auth import get_user_model

    from django_jazzauth.keys.keyring import keyring
    from django_jazzauth.keys.models import Worker
    from django_jazzauth.keys.trust import let_go

    # As a process that starts on what was left: it goes on from its worker's anchor.
    let_go("default")
    keyring("default").forget()
    keyring("default").current()
    already = (verb == "remove" and Worker.objects.get(id=argument).removed_at is not None) or (
        verb == "restore" and get_user_model().objects.filter(pk=argument).exists()
    )
    if already:
        return  # it had been done, though nobody was told
    assert not (verb in ("remove", "restore") and done), "it was told that this is done"
    _do(verb, argument)


def _check(verb: str, argument: str) -> None:
    from django.contrib.auth import get_user_model

    from django_jazzauth.keys.models import DataKey, Epoch, Grant
    from django_jazzauth.store import store
    from django_jazzauth.store.models import Event
    from tests.testapp.models import Patient

    assert Epoch.objects.filter(superseded_at=None).count() == 1
    if verb == "reindex":
        _check_columns()
    if verb == "shred":
        assert not get_user_model().objects.filter(pk=argument).exists()
        assert not DataKey.objects.filter(subject=f"user/{argument}").exists()
        events = store.history(get_user_model(), pk=argument)
        assert events[-1].type == "shredded" and not any(event.readable for event in events)
    elif verb == "retire":
        assert not Grant.objects.filter(epoch__number__lte=int(argument)).exists()
    elif verb == "remove":
        current = Grant.objects.filter(epoch__superseded_at=None, worker_id=argument)
        assert not current.exists()
    elif verb == "restore":
        assert (
            get_user_model()
            .objects.get(pk=argument)
            .email.startswith(get_user_model().objects.get(pk=argument).username)
        )
        assert Patient.objects.filter(owner=argument).count() == 2
    elif verb == "compact":
        dead = Event.objects.filter(stream__startswith="patient/", type="deleted")
        kept = dead.filter(payload__isnull=False).values_list("stream", flat=True)
        restored = Event.objects.filter(stream__in=list(kept), type__in=("restored", "shredded"))
        assert set(kept) == set(restored.values_list("stream", flat=True)), "payloads are left"


def _check_columns() -> None:
    from django.db import connection

    from django_jazzauth.keys.models import IndexColumn, IndexRoot
    from django_jazzauth.store.reindex import all_columns

    assert not IndexColumn.objects.exclude(target=None).exists()
    live = IndexRoot.objects.get(retired_at=None).generation
    assert not IndexRoot.objects.exclude(retired_at=None).exclude(wrapped=None).exists()
    with connection.cursor() as cursor:
        for column in all_columns():
            for table, name in column.places:
                cursor.execute(f"SELECT DISTINCT {name} FROM {table} WHERE {name} IS NOT NULL")
                assert {bytes(row[0])[1] for row in cursor.fetchall()} <= {live}, column


class Killings:
    """Runs commands and kills them.

    Args:
        seed: of the random moments.
        commands: which ones, in turn.
    """

    def __init__(self, seed: int, commands: tuple[str, ...]) -> None:
        self.random = random.Random(seed)
        self.commands = commands
        self.nursery = Nursery("key_kill")
        self.steps = dict.fromkeys(commands, 0)
        self.seconds = dict.fromkeys(commands, 0.0)
        self.killed = {
            verb: {"at_a_step": 0, "at_a_time": 0, "came_to_its_end": 0} for verb in commands
        }
        self.writes = 0
        self.wrong: list[str] = []

    def run(self, number: int) -> None:
        """One command."""
        verb = self.commands[number % len(self.commands)]
        turn = number // len(self.commands)
        users = _people(3)
        argument = _prepare(verb, users)
        writer = Writer()
        writer.start()
        try:
            self._judge(verb, argument, self._kill(verb, argument, turn))
        except Exception as error:
            self.wrong.append(f"{verb}: {type(error).__name__}: {error}")
        finally:
            self.wrong += writer.stop()
            self.writes += writer.turn
        for user in users:
            user.__class__.objects.filter(pk=user.pk).delete()

    def _kill(self, verb: str, argument: str, turn: int) -> Death:
        order = f"{verb} {argument}".strip()
        if turn == 0 or not self.steps[verb]:
            began = time.monotonic()
            death = self.nursery.run(order)  # to see how long it takes
            self.seconds[verb] = time.monotonic() - began
        elif turn % 2:
            death = self.nursery.run(order, step=self.random.randint(1, self.steps[verb]))
            self.killed[verb]["at_a_step"] += not death.done
        else:
            seconds = self.random.random() * self.seconds[verb]
            death = self.nursery.run(order, seconds=max(seconds, 0.001))
            self.killed[verb]["at_a_time"] += not death.done
        if death.done:
            self.killed[verb]["came_to_its_end"] += 1
            self.steps[verb] = death.steps
        return death

    def _judge(self, verb: str, argument: str, death: Death) -> None:
        assert not death.failed, death.failed
        _again(verb, argument, death.done)
        _check(verb, argument)


def key_kill(
    runs: int, seed: int = 1, commands: tuple[str, ...] = COMMANDS, minutes: float = 0
) -> dict[str, Any]:
    """Kill commands ``runs`` times.

    Args:
        runs: how often.
        seed: of the random moments.
        commands: which ones, in turn.
        minutes: begin no run after so many; 0: all of them.

    Returns:
        Counts of runs, of kills before the end, and of what went wrong.
    """
    setup()
    from django_jazzauth.store import store
    from django_jazzauth.store.checkpoints import take

    killings = Killings(seed, commands)
    _people(1)
    take()  # the first checkpoint takes more steps than those after it: it makes the key
    ends = time.monotonic() + minutes * 60
    made = 0
    while made < runs and (not minutes or time.monotonic() < ends):
        killings.run(made)
        made += 1
    killings.nursery.close()
    report = store.verify()
    return {
        "runs": made,
        "killed": killings.killed,
        "steps": killings.steps,
        "writes_beside": killings.writes,
        "wrong": len(killings.wrong),
        "first_wrong": killings.wrong[:5],
        "events": report.events,
        "problems": len(report.problems),
        "first_problems": [str(problem) for problem in report.problems[:3]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="begin no run after so many")
    parser.add_argument("--commands", nargs="+", default=COMMANDS, choices=COMMANDS)
    parser.add_argument("--serve", action="store_true", help="internal: fork those that are killed")
    options = parser.parse_args()
    if options.serve:
        serve("key_kill", act)
        sys.exit(0)
    outcome = key_kill(options.runs, options.seed, tuple(options.commands), options.minutes)
    print(json.dumps(outcome, indent=2))
    sys.exit(0 if outcome["wrong"] == outcome["problems"] == 0 else 1)
