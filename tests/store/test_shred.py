"""Forgetting a person: what is gone, what stays, and what a run that was killed leaves behind."""

from __future__ import annotations

import importlib
import json
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_jazzauth.errors import KeyDestroyed, NeverExisted, PayloadCompacted, ShredRefused
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey
from django_jazzauth.management.exporting import HIDDEN, ExportEncoder, export_subject
from django_jazzauth.models import Account, Session, Verification
from django_jazzauth.sealed.memo import memo
from django_jazzauth.store import store
from django_jazzauth.store.events import open_record
from django_jazzauth.store.journal import SHRED_REQUESTED, SHREDDED
from django_jazzauth.store.models import Event
from django_jazzauth.store.registry import projectors
from tests.testapp.models import Letter, Patient, Tag, Ward

from .test_rotation import elsewhere

ON_DISK = pytest.mark.django_db(transaction=True)
EMAIL = "canary.ana@example.org"


def person(email: str = EMAIL) -> Any:
    user = get_user_model().objects.create_user(email[:20], email, "pw-of-canary", name="Canary")
    Account.objects.create(user=user, provider_id="github", account_id=f"canary-{email}")
    later = timezone.now() + timezone.timedelta(days=1)
    Session.objects.create(user=user, expires_at=later, user_agent="canary-agent")
    patient = Patient.objects.create(
        record_no=uuid.uuid4().hex[:12], owner=user, notes="canary-notes"
    )
    patient.tags.add(Tag.objects.get_or_create(label="t")[0])
    Letter.objects.create(patient=patient)
    user.name = "Canary Fox"
    user.save()
    return user


def streams_of(user: Any) -> set[str]:
    key = DataKey.objects.get(subject=f"user/{user.pk}").pk
    return set(Event.objects.filter(key_id=key).values_list("stream", flat=True))


def all_that_opens() -> str:
    """Every event and every row of the database that the keys in it open, as text."""
    keyring("default").forget()
    found = []
    for record in Event.objects.all():
        try:
            found.append(repr(open_record("default", record)))
        except (KeyDestroyed, PayloadCompacted):
            continue
    for projector in projectors():
        found += [repr(vars(row)) for row in projector.model._base_manager.all()]
    return "\n".join(found)


@pytest.mark.django_db
def test_what_waited_for_their_proof_is_forgotten_with_them() -> None:
    user = person()
    hour = timezone.timedelta(hours=1)
    for number in range(2):
        Verification.objects.issue(f"sign-in:{EMAIL}:{number}", EMAIL, lifetime=hour, user=user)
    Verification.objects.issue("of-nobody", "value-of-nobody", lifetime=hour)
    assert Verification.objects.consume(f"sign-in:{EMAIL}:0") == EMAIL
    before = all_that_opens()
    assert EMAIL in before and "canary-notes" in before
    store.shred(user)
    after = all_that_opens()
    assert "canary" not in after.lower()
    assert "value-of-nobody" in after
    assert [each.identifier for each in Verification.objects.all()] == ["of-nobody"]
    assert store.verify().ok


@pytest.mark.django_db
def test_everything_of_theirs_is_gone_and_the_chain_holds() -> None:
    user, other = person(), person("other@example.org")
    pk, streams = user.pk, streams_of(user)
    assert len(streams) == 4
    receipt = store.shred(user)
    assert (receipt.stream, receipt.already) == (f"user/{pk}", False)
    assert receipt.requested_at <= receipt.shredded_at
    assert receipt.removed["testapp.Patient"] == receipt.removed["testapp.Letter"] == 1
    assert (
        receipt.removed["django_jazzauth.User"] == receipt.removed["django_jazzauth.Session"] == 1
    )
    of_theirs = Event.objects.filter(stream=receipt.stream).order_by("version")
    types = list(of_theirs.values_list("type", flat=True))
    assert types[-3:] == [SHRED_REQUESTED, "deleted", SHREDDED]
    report = store.verify()
    assert report.ok, report.problems
    assert not any(event.readable for event in store.history(get_user_model(), pk=pk))
    with pytest.raises(KeyDestroyed, match="was shredded") as caught:
        store.restore(get_user_model(), pk)
    assert caught.value.code == "KEY_DESTROYED" and receipt.stream in str(caught.value)
    for model, entity in ((Session, "session"), (Account, "account"), (Patient, "patient")):
        (stream,) = (name for name in streams if name.startswith(entity + "/"))
        key = stream.partition("/")[2]
        assert not any(event.readable for event in store.history(model, pk=key))
        with pytest.raises(KeyDestroyed):
            store.restore(model, key)
    users = get_user_model().objects
    assert not users.filter(email__iexact=EMAIL).exists()
    assert not users.filter(username=EMAIL[:20]).exists()
    assert users.get(pk=other.pk).name == "Canary Fox" and Patient.objects.count() == 1


@pytest.mark.django_db
def test_the_key_is_destroyed_and_its_row_says_no_name() -> None:
    user = person()
    key = DataKey.objects.get(subject=f"user/{user.pk}")
    store.shred(user)
    key.refresh_from_db()
    assert key.wrapped is None and key.subject is None and key.destroyed_at is not None


@pytest.mark.django_db
def test_again_changes_nothing() -> None:
    user = person()
    first = store.shred(user)
    events = Event.objects.count()
    again = store.shred(get_user_model(), pk=user.pk)
    assert again.already and again.removed == {}
    assert (again.version, again.shredded_at, again.requested_at) == (
        first.version,
        first.shredded_at,
        first.requested_at,
    )
    assert Event.objects.count() == events


@pytest.mark.django_db
def test_the_address_and_the_key_can_be_used_again() -> None:
    user = person()
    pk = user.pk
    store.shred(user)
    anew = get_user_model().objects.create_user("canary", EMAIL, "pw", id=pk)
    events = store.history(anew)
    assert [event.readable for event in events[-2:]] == [False, True]
    assert events[-1].type == "created" and store.verify().ok
    assert not store.shred(anew).already
    assert store.verify().ok


@pytest.mark.django_db
def test_somebody_who_was_deleted_before() -> None:
    user = person()
    pk = user.pk
    user.delete()
    assert store.history(get_user_model(), pk=pk)[0].readable
    receipt = store.shred(get_user_model(), pk=pk)
    assert not receipt.already and receipt.removed == {}
    assert not any(event.readable for event in store.history(get_user_model(), pk=pk))
    assert store.verify().ok and store.rebuild() and store.verify().ok


@pytest.mark.django_db
def test_rebuilding_brings_nobody_back() -> None:
    user, other = person(), person("other@example.org")
    store.shred(user)
    counts = store.rebuild()
    assert (counts["user"], counts["patient"], counts["session"]) == (1, 1, 1)
    assert get_user_model().objects.get().pk == other.pk


@pytest.mark.django_db
def test_who_cannot_be_shredded() -> None:
    user = person()
    with pytest.raises(NeverExisted):
        store.shred(get_user_model(), pk=uuid.uuid4())
    with pytest.raises(ShredRefused, match="sealed under that of the person") as caught:
        store.shred(Patient.objects.get(owner=user))
    assert caught.value.code == "SHRED_REFUSED"
    ward = Ward.objects.create(name="North")
    Patient.objects.update(ward=ward)
    store.shred(ward)  # a subject of its own
    assert Patient.objects.get().ward is None
    assert store.verify().ok


@pytest.mark.django_db
def test_what_is_owned_goes_even_where_deletions_only_clear_the_reference(
    monkeypatch: Any,
) -> None:
    from django.db import models

    user = person()
    relation = Patient._meta.get_field("owner").remote_field
    monkeypatch.setattr(relation, "on_delete", models.SET_NULL)
    store.shred(user)
    assert not Patient.objects.exists()
    assert store.verify().ok


@pytest.mark.django_db
def test_what_is_protected_stops_it_before_anything_is_destroyed(monkeypatch: Any) -> None:
    from django.db import models

    user = person()
    monkeypatch.setattr(Letter._meta.get_field("patient").remote_field, "on_delete", models.PROTECT)
    with pytest.raises(ShredRefused, match=r"rows of testapp\.Letter"):
        store.shred(user)
    assert get_user_model().objects.get(pk=user.pk).name == "Canary Fox"
    user.refresh_from_db()
    user.name = "still alive"
    user.save()
    assert store.verify().ok
    Letter.objects.all().delete()
    assert not store.shred(user).already


# -- killed in between, other processes -----------------------------------------------------------


class Killed(BaseException):
    """Stands for a process that ends here."""


@ON_DISK
@pytest.mark.parametrize(
    "step", ["_carry_out", "hold_writer_lock", "_append", "destroy_data_key", "keyring"]
)
def test_run_again_after_it_was_killed(step: str, monkeypatch: Any) -> None:
    user = person()
    pk = user.pk
    module = importlib.import_module("django_jazzauth.store.shred")

    def die(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, step, die)
        with pytest.raises(Killed):
            store.shred(user)
    # Nothing is half done: the person is as before, apart from the note.
    loaded = get_user_model().objects.get(pk=pk)
    assert loaded.name == "Canary Fox" and Session.objects.filter(user=loaded).exists()
    assert store.history(loaded)[-1].type == SHRED_REQUESTED
    loaded.name = "between"
    loaded.save()
    assert store.verify().ok
    assert not store.shred(loaded).already
    assert store.verify().ok and not get_user_model().objects.exists()


@ON_DISK
def test_a_process_that_had_the_key_in_memory_opens_nothing_any_more() -> None:
    user = person()
    pk = user.pk
    key = DataKey.objects.get(subject=f"user/{pk}").pk.bytes
    Patient.objects.get(owner=user)
    assert store.history(user)[0].readable
    held = keyring("default").data_key_by_id(key)
    elsewhere(lambda: store.shred(get_user_model(), pk=pk))
    keyring("default")._holder.get().by_id.put(key, held)  # as stale as can be
    assert not any(event.readable for event in store.history(get_user_model(), pk=pk))
    assert keyring("default")._holder.get().by_id.get(key) is None
    with pytest.raises(KeyDestroyed):
        store.restore(get_user_model(), pk)
    with pytest.raises(KeyDestroyed):
        keyring("default").data_key_by_id(key)


@ON_DISK
def test_the_process_itself_forgets_at_once() -> None:
    user = person()
    key = DataKey.objects.get(subject=f"user/{user.pk}").pk.bytes
    list(Patient.objects.all())
    store.history(user)
    store.shred(user)
    opened = keyring("default")._holder.get()
    assert opened.by_id.get(key) is None and opened.by_subject.get(f"user/{user.pk}") is None
    assert not memo._young and not memo._old


@ON_DISK
def test_a_stale_instance_writes_nothing_back() -> None:
    user = person()
    session = Session.objects.get(user=user)
    elsewhere(lambda: store.shred(get_user_model(), pk=user.pk))
    events = Event.objects.count()
    for stale in (user, session):
        stale.name = stale.user_agent = "again"
        with pytest.raises(Exception):  # noqa: B017 - whatever Django says of a missing row
            stale.save(force_update=True)
    with pytest.raises(Exception):  # noqa: B017 - the foreign key
        Session.objects.create(user=user, expires_at=timezone.now())
    assert Event.objects.count() == events
    assert store.verify().ok


@ON_DISK
def test_their_sessions_end() -> None:
    user = person()
    client = Client()
    client.force_login(user)
    assert client.session.get("_auth_user_id") == str(user.pk)
    store.shred(user)
    assert client.session.get("_auth_user_id") is None


@ON_DISK
def test_sqlite_keeps_no_remains_in_its_files(settings: Any) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("its files are ours to read")
    user = person()
    wrapped = bytes(DataKey.objects.get(subject=f"user/{user.pk}").wrapped or b"")
    head = bytes(get_user_model().objects.values_list("head", flat=True).get(pk=user.pk))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    name = str(connection.settings_dict["NAME"])

    def files() -> bytes:
        found = b""
        for suffix in ("", "-wal"):
            try:
                with open(name + suffix, "rb") as file:
                    found += file.read()
            except FileNotFoundError:
                continue
        return found

    assert wrapped in files() and head[30:] in files()
    store.shred(user)
    assert wrapped not in files() and head[30:] not in files()


# -- export ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_export_has_all_of_it_and_no_secret() -> None:
    user = person()
    old = Session.objects.get(user=user)
    old.delete()
    data = json.loads(json.dumps(export_subject(user), cls=ExportEncoder))
    assert (data["format"], data["subject"]) == ("jazzauth-export/1", f"user/{user.pk}")
    entities = {entity["entity"]: entity for entity in data["entities"]}
    assert set(entities) == {"user", "account", "session", "patient"}
    current = entities["user"]["current"]
    assert (current["email"], current["name"]) == (EMAIL, "Canary Fox")
    assert current["password"] == HIDDEN
    assert entities["user"]["history"][0]["state"]["name"] == "Canary"
    assert entities["session"]["current"] is None
    assert entities["session"]["history"][0]["state"]["user_agent"] == "canary-agent"
    assert entities["session"]["history"][0]["state"]["token"] == HIDDEN
    assert entities["patient"]["current"]["notes"] == "canary-notes"
    store.shred(user)
    with pytest.raises(NeverExisted):
        export_subject(get_user_model(), pk=user.pk)
