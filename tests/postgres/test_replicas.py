"""Reads from a streaming replica that lags: nothing is lost by it, and nobody is let in by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.trust import let_go
from django_jazzauth.models import Session, User
from django_jazzauth.routers import PrimaryRouter, ReplicaRouter, decides_access, forget_writes
from django_jazzauth.sessions import SessionStore
from django_jazzauth.store import store
from tests.testapp.models import Patient, Tag

from .conftest import ON_SERVERS, Cluster

pytestmark = [ON_SERVERS, pytest.mark.usefixtures("cluster")]


class Router(ReplicaRouter):
    """As the how-to says, over this module's servers."""

    primary = "primary"
    replicas = ("replica",)


class Careless:
    """What a project may write that knows nothing of us: all reads from the replica."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "primary"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


@pytest.fixture(autouse=True)
def _routed(settings: Any) -> Any:
    settings.DATABASE_ROUTERS = [Router()]
    forget_writes()
    # The primary was emptied, and so the replica: its keys are others than in the test before.
    let_go("replica")
    keyring("replica").forget()
    yield
    forget_writes()


def _patient(**values: Any) -> Patient:
    made: Patient = Patient.objects.create(**values)
    forget_writes()
    return made


def test_rows_are_read_from_the_replica_and_verify_there(cluster: Cluster) -> None:
    _patient(record_no="r1", name="Ada")
    cluster.catch_up()
    found = Patient.objects.get(record_no="r1")
    assert (found._state.db, found.name) == ("replica", "Ada")
    assert [p.name for p in Patient.objects.filter(name__icontains="ad")] == ["Ada"]
    assert [event.state["name"] for event in store.history(found)] == ["Ada"]
    report = store.verify(using="replica")
    assert report.ok, report.problems
    assert report.events == 1


def test_a_save_of_what_a_lagging_replica_showed_merges(cluster: Cluster) -> None:
    pk = _patient(record_no="r1", name="Ada", notes="one", visits=1).pk
    cluster.hold_back()
    newer = Patient.objects.using("primary").get(pk=pk)
    newer.notes = "two"
    newer.save()
    forget_writes()
    stale = Patient.objects.get(pk=pk)
    assert (stale._state.db, stale.notes) == ("replica", "one")
    stale.visits = 2
    stale.save()
    now = Patient.objects.using("primary").get(pk=pk)
    assert (now.notes, now.visits) == ("two", 2)
    assert (stale.notes, stale.visits, stale._state.db) == ("two", 2, "primary")
    assert [e.version for e in store.history(Patient, pk=pk, using="primary")] == [1, 2, 3]
    assert store.verify(using="primary").ok


def test_a_save_to_another_database_still_writes_every_field(cluster: Cluster) -> None:
    """The rule that spares a replica's instances must not spare those of a stranger."""
    here = Patient.objects.using("default").create(record_no="r1", name="Ada", notes="here")
    there = Patient.objects.using("primary").create(pk=here.pk, record_no="r1", notes="there")
    here.save(using="primary")
    there = Patient.objects.using("primary").get(pk=there.pk)
    assert (there.name, there.notes) == ("Ada", "here")


def test_bulk_changes_and_deletions_look_at_the_primary(cluster: Cluster) -> None:
    first, second = (_patient(record_no=f"r{n}", name="Ada") for n in range(2))
    cluster.hold_back()
    Patient.objects.using("primary").filter(pk=first.pk).update(name="Bob")
    forget_writes()
    stale = {patient.pk: patient for patient in Patient.objects.all()}
    assert {p._state.db for p in stale.values()} == {"replica"}
    assert {p.name for p in stale.values()} == {"Ada"}
    assert Patient.objects.filter(name="Ada").count() == 2  # as the replica has it
    assert Patient.objects.filter(record_no="r0").update(visits=5) == 1
    stale[first.pk].delete()
    Patient.objects.filter(pk=second.pk).delete()
    assert not Patient.objects.using("primary").exists()
    last = store.history(Patient, pk=first.pk, using="primary")
    assert [event.type for event in last] == ["created", "updated", "updated", "deleted"]
    restored = store.restore(Patient, first.pk, using="primary")
    assert (restored.name, restored.visits) == ("Bob", 5)
    assert store.verify(using="primary").ok


def test_a_revoked_session_is_not_honoured(cluster: Cluster) -> None:
    user = User.objects.create_user("ada", "ada@example.org", "a good password")
    client = Client()
    client.force_login(user, backend="django_jazzauth.backends.EventStoreBackend")
    session = Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    cluster.hold_back()
    assert _get_session(session.token).json()["user"]["id"] == str(user.pk)
    key, token = session.pk, session.token
    session.delete()
    forget_writes()
    assert Session.objects.using("replica").filter(pk=key).exists()
    assert _get_session(token).json() is None
    # The same of Django's own sessions, and of a user who may no longer sign in.
    django_session = client.session
    assert SessionStore(django_session.session_key).load()
    django_session.flush()
    forget_writes()
    assert Session.objects.using("replica").count() == 2
    assert SessionStore(django_session.session_key).load() == {}
    assert authenticate(username="ada", password="a good password") == user
    user.is_active = False
    user.save()
    forget_writes()
    assert User.objects.using("replica").get(pk=user.pk).is_active
    assert authenticate(username="ada", password="a good password") is None


def _get_session(token: str) -> HttpResponse:
    response: HttpResponse = Client(headers={"authorization": f"Bearer {token}"}).get(
        "/api/auth/get-session"
    )
    return response


def test_a_request_reads_what_it_wrote(cluster: Cluster) -> None:
    _patient(record_no="r1", name="Ada")
    cluster.hold_back()
    patient = Patient.objects.get(record_no="r1")
    assert patient._state.db == "replica"
    patient.name = "Bob"
    patient.save()
    assert Patient.objects.get(record_no="r1").name == "Bob"
    forget_writes()  # the next request
    assert Patient.objects.get(record_no="r1").name == "Ada"


def test_what_decides_about_access_is_not_left_to_a_replica(settings: Any) -> None:
    assert all(map(decides_access, (User, Session, User.groups.through)))
    assert not any(map(decides_access, (Patient, Tag, Patient.tags.through)))
    settings.DATABASE_ROUTERS = [Careless()]
    with pytest.raises(SystemCheckError, match=r"jazzauth\.E009"):
        call_command("check")

    class Pinned(PrimaryRouter):
        primary = "primary"

    settings.DATABASE_ROUTERS = [Pinned(), Careless()]
    call_command("check")
