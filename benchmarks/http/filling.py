"""Filling a database with people who have an account and a live session each.

``python -m benchmarks.http.filling fill USERS`` in a process of ours, which :mod:`.shelf` starts;
it prints lines of JSON: how far it is, and last what a run has to know. ``fingerprint`` prints that
alone.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from .. import people
from ..storage import expect_much, fingerprint, table_sizes, tidy
from .prepared import Prepared, signed_cookie

GENERATION = 1
"""Counts up when other people are made; databases of an older generation are filled anew."""

_BATCH = 2_000
_SESSIONS = 1_000
_CHANGED = 100
_LIFE = timedelta(days=3650)
_ADMINISTRATOR = "administrator@example.org"


class Filling:
    """People of one database.

    Args:
        users: how many.
    """

    def __init__(self, users: int) -> None:
        self._users = users
        self._user_model: Any = get_user_model()
        self._account_model: Any = apps.get_model("django_jazzauth", "Account")
        self._session_model: Any = apps.get_model("django_jazzauth", "Session")
        self._now = timezone.now()
        # One hash of each kind for all: only signing in looks at it, and each row seals it anew.
        self._hashes = [make_password(people.PASSWORD, hasher=name) for name in ("argon2id", "md5")]

    def fill(self, report: Callable[[int], None]) -> None:
        """Make the tables and the people; told now and then how many there are."""
        call_command("migrate", verbosity=0, interactive=False)
        expect_much()
        for start in range(0, self._users, _BATCH):
            stop = min(start + _BATCH, self._users)
            with transaction.atomic():
                self._batch(range(start, stop))
            report(stop)
        self._histories()
        tidy()

    def _batch(self, numbers: range) -> None:
        """Together, so that a person's data key is still at hand for what belongs to them."""
        users = [self._user_model(**self._person(number)) for number in numbers]
        self._user_model.objects.bulk_create(users)
        self._account_model.objects.bulk_create(
            self._account_model(user=user, provider_id="credential", account_id=str(user.pk))
            for user in users
        )
        self._session_model.objects.bulk_create(
            self._session_model(user=user, **self._session(number))
            for number, user in zip(numbers, users, strict=True)
        )

    def _person(self, number: int) -> dict[str, Any]:
        joined = self._moment(number)
        return {
            **people.person(number),
            "password": self._hashes[number % 2],
            "date_joined": joined,
            "updated_at": joined,
        }

    def _session(self, number: int) -> dict[str, Any]:
        address, browser = people.client(number)
        return {
            "token": people.session_key(number),
            "expires_at": self._moment(number) + _LIFE,
            "ip_address": address,
            "user_agent": browser,
        }

    def _moment(self, number: int) -> datetime:
        """Of everybody another one: they came over the last years, a second apart at least."""
        return self._now - timedelta(seconds=self._users - number)

    def _histories(self) -> None:
        """Some people whose history has more to show than that they exist."""
        for number in range(min(_CHANGED, self._users)):
            user = self._user_model.objects.get(pk=people.person_id(number))
            for change in range(5):
                user.name = f"Known as {change}"
                user.save(update_fields=["name"])

    def sessions(self) -> Iterator[list[str]]:
        """Cookie and bearer token of people chosen from all."""
        chosen = random.Random(0).sample(range(self._users), min(_SESSIONS, self._users))
        for number in chosen:
            yield list(signed_cookie(people.session_key(number)))

    def admin_cookie(self) -> str:
        """Makes a superuser and signs them in to the admin."""
        user = self._user_model.objects.sign_up(
            email=_ADMINISTRATOR,
            name="Administrator",
            password=None,
            is_staff=True,
            is_superuser=True,
        )
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session.set_expiry(_LIFE)
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def _say(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def main() -> None:
    """Do what the command line says."""
    django.setup()
    print_of_it = fingerprint(GENERATION)
    if sys.argv[1] == "fingerprint":
        _say(fingerprint=print_of_it)
        return
    users = int(sys.argv[2])
    filling = Filling(users)
    began = time.monotonic()
    filling.fill(lambda done: _say(done=done))
    prepared = Prepared(
        fingerprint=print_of_it,
        sessions=list(filling.sessions()),
        admin_cookie=filling.admin_cookie(),
        seconds=round(time.monotonic() - began, 1),
        sizes=table_sizes(),
    )
    _say(prepared=asdict(prepared))


if __name__ == "__main__":
    main()
