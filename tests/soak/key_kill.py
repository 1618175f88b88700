"""Key commands are killed at random moments: nothing is stuck, and running them again finishes.

Run against an existing, migrated database (the settings module decides which):
``python -m tests.soak.key_kill --runs 100``. Each run makes people, starts one of the commands in a
process of its own, with a writer beside it, kills it with SIGKILL after a random time, and runs it
again to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from typing import Any

import django

COMMANDS = ("rotate", "rewrap", "retire", "remove", "shred")


def _setup() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()


def serve() -> None:
    """Do what standard input asks for, one command per line, and say when it begins and ends."""
    _setup()
    from django_jazzauth.keys.keyring import keyring

    keyring("default").current()
    print("ready", flush=True)
    for line in sys.stdin:
        verb, _, argument = line.strip().partition(" ")
        print("begins", flush=True)
        _do(verb, argument, batch=3)
        print("done", flush=True)


def _do(verb: str, argument: str, batch: int = 500) -> None:
    from django.contrib.auth import get_user_model

    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.keys.workers import remove_worker
    from django_jazzauth.store import store
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
    else:
        store.shred(get_user_model(), pk=argument)


class Writer(threading.Thread):
    """Saves one patient without pause, and knows what was acknowledged."""

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
                time.sleep(0.002)
            except Exception as error:
                self.errors.append(f"writer: {type(error).__name__}: {error}")
        connection.close()

    def stop(self) -> list[str]:
        from tests.testapp.models import Patient

        self.ends.set()
        self.join()
        found = Patient.objects.get(pk=self.patient.pk).visits
        lost = [] if found == self.turn else [f"writer: {self.turn} acknowledged, {found} found"]
        return self.errors + lost


def _people(count: int) -> list[Any]:
    from django.contrib.auth import get_user_model

    from tests.testapp.models import Patient

    users = []
    for _ in range(count):
        name = uuid.uuid4().hex
        user = get_user_model().objects.create_user(name[:20], f"{name}@example.org", "pw")
        Patient.objects.create(record_no=name[:16], owner=user, notes=name)
        users.append(user)
    return users


def _prepare(verb: str) -> str:
    """Make a state in which there is something to do; returns the command's argument."""
    from django_jazzauth.keys.card import Card
    from django_jazzauth.keys.models import Epoch
    from django_jazzauth.keys.rotation import rotate
    from django_jazzauth.keys.secret import WorkerSecret
    from django_jazzauth.keys.workers import add_worker
    from django_jazzauth.store.rewrap import rewrap

    users = _people(6)
    if verb == "shred":
        return str(users[0].pk)
    if verb == "remove":
        return add_worker("default", uuid.uuid4().hex, Card.of(WorkerSecret.generate()))
    if verb in ("rewrap", "retire"):
        rotate("default")
    if verb == "retire":
        assert rewrap("default").left.total == 0
        return str(Epoch.objects.get(superseded_at=None).number - 1)
    return ""


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.key_kill", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _kill_once(process: subprocess.Popen[str], line: str, seconds: float) -> bool:
    """Let a process do a command, kill it after ``seconds``; whether it was done by then."""
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write(line + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "begins\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    process.wait()
    process.stdin.close()
    return "done" in rest


def _again(verb: str, argument: str, done: bool) -> None:
    """Run the command to its end, as somebody would who saw it die."""
    from django_jazzauth.keys.keyring import keyring
    from django_jazzauth.keys.models import Worker

    keyring("default").forget()
    if verb == "remove" and Worker.objects.get(id=argument).removed_at is not None:
        return  # it had been done, though nobody was told
    assert not (verb == "remove" and done), "it was told that the worker is removed"
    _do(verb, argument)


def _check(verb: str, argument: str) -> None:
    from django.contrib.auth import get_user_model

    from django_jazzauth.keys.models import DataKey, Epoch, Grant
    from django_jazzauth.store import store

    assert Epoch.objects.filter(superseded_at=None).count() == 1
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


def key_kill(runs: int, seed: int = 1) -> dict[str, Any]:
    """Kill a command ``runs`` times.

    Args:
        runs: how often.
        seed: of the random moments.

    Returns:
        Counts of runs, of kills before the end, and of what went wrong.
    """
    _setup()
    from django_jazzauth.store import store

    chance = random.Random(seed)
    killed = dict.fromkeys(COMMANDS, 0)
    writes = 0
    wrong: list[str] = []
    _people(1)
    # Started ahead: most of a run would be waiting for Python.
    waiting = [_start() for _ in range(min(runs, 2))]
    for run in range(runs):
        if run + len(waiting) < runs:
            waiting.append(_start())
        verb = COMMANDS[run % len(COMMANDS)]
        argument = _prepare(verb)
        writer = Writer()
        writer.start()
        try:
            line = f"{verb} {argument}".strip()
            done = _kill_once(
                waiting.pop(0), line, chance.choice((0.02, 0.1, 0.4, 1.0)) * chance.random()
            )
            killed[verb] += not done
            _again(verb, argument, done)
            _check(verb, argument)
        except Exception as error:
            wrong.append(f"{verb}: {type(error).__name__}: {error}")
        finally:
            wrong += writer.stop()
            writes += writer.turn
    report = store.verify()
    return {
        "runs": runs,
        "killed_before_the_end": killed,
        "writes_beside": writes,
        "wrong": len(wrong),
        "first_wrong": wrong[:5],
        "events": report.events,
        "problems": len(report.problems),
        "first_problems": [str(problem) for problem in report.problems[:3]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help="internal: be the one that is killed")
    options = parser.parse_args()
    if options.serve:
        serve()
        sys.exit(0)
    outcome = key_kill(options.runs, options.seed)
    print(json.dumps(outcome, indent=2))
    sys.exit(0 if outcome["wrong"] == outcome["problems"] == 0 else 1)
