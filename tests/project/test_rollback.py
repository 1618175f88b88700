"""A database that was rolled back: noticed, refused, or a new generation."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from django_jazzauth import checks, rollback
from django_jazzauth.crypto.framing import frame
from django_jazzauth.crypto.notes import NoteError, NoteSigner, read_checkpoint
from django_jazzauth.errors import RolledBack, SealBroken
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.models import Generation, Session, SigningKey, Verification
from django_jazzauth.store import checkpoint_keys, store
from django_jazzauth.store.checkpoint_keys import envelope
from django_jazzauth.store.checkpoints import take, verifier_key
from django_jazzauth.store.generations import begin_generation, current_generation, standing
from django_jazzauth.store.models import Checkpoint, Event
from django_jazzauth.store.outside import replace_outside
from django_jazzauth.tokens import keys as signing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    yield
    keyring("default").forget()
    signing.forget()


@pytest.fixture
def outside(settings: Any, tmp_path: Path) -> Path:
    file = tmp_path / "checkpoint"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "CHECKPOINT": {"FILE": file}}
    return file


def goes_on(settings: Any) -> None:
    given = {**settings.JAZZAUTH["CHECKPOINT"], "ON_ROLLBACK": "new-generation"}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "CHECKPOINT": given}


def session() -> Session:
    made: Session = Session.objects.create(expires_at=timezone.now() + timezone.timedelta(days=1))
    return made


@pytest.fixture
def rolled_back(outside: Path) -> Callable[[], Session]:
    """What was done since a backup is undone; the checkpoint outside knows of it."""

    def happen() -> Session:
        get_user_model().objects.create(username="before")
        revoked = session()
        signing.signing_key()
        Verification.objects.create(identifier="x", value="y", expires_at=timezone.now())
        take()
        backup = transaction.savepoint()
        Session.objects.get(pk=revoked.pk).delete()
        get_user_model().objects.create(username="after")
        replace_outside(str(outside), take().note)
        rollback.look(begin=True)
        transaction.savepoint_rollback(backup)
        keyring("default").forget()
        assert Session.objects.filter(pk=revoked.pk).exists()
        return revoked

    return happen


def test_without_a_file_nothing_is_looked_at(outside: Path) -> None:
    rollback.look(begin=True)
    assert not outside.exists()


def test_a_contained_checkpoint(outside: Path, django_assert_max_num_queries: Any) -> None:
    get_user_model().objects.create(username="u")
    replace_outside(str(outside), take().note)
    get_user_model().objects.create(username="v")
    take()
    keyring("default").data_key("checkpoints")
    with django_assert_max_num_queries(8):
        checks.refuse_to_serve()
    assert checks.check_rollback(["default"]) == []


def test_an_empty_checkpoint_is_contained(outside: Path) -> None:
    replace_outside(str(outside), take().note)
    get_user_model().objects.create(username="u")
    checks.refuse_to_serve()


@pytest.mark.parametrize("debug", [True, False])
def test_it_is_refused(rolled_back: Callable[[], Session], settings: Any, debug: bool) -> None:
    settings.DEBUG = debug
    rolled_back()
    with pytest.raises(RolledBack):
        checks.refuse_to_serve()
    (error,) = checks.check_rollback(["default"])
    assert error.id == "jazzauth.E006"
    assert "ROLLED_BACK" in error.msg
    assert checks.check_rollback(["other"]) == []
    assert [p.code for p in store.verify(checkpoints=[rollback_note(settings)]).problems] == [
        "CHECKPOINT_AHEAD"
    ]


def rollback_note(settings: Any) -> str:
    return Path(settings.JAZZAUTH["CHECKPOINT"]["FILE"]).read_text()


def test_a_new_generation(rolled_back: Callable[[], Session], settings: Any, outside: Path) -> None:
    revoked = rolled_back()
    goes_on(settings)
    old_kids = {str(pk) for pk in SigningKey.objects.values_list("pk", flat=True)}
    before = read_checkpoint(outside.read_text())
    checks.refuse_to_serve()
    assert current_generation("default") == 2
    assert not Session.objects.exists()
    assert not Verification.objects.exists()
    assert not old_kids & {key.kid for key in signing.published_keys()}
    assert store.history(Session, pk=revoked.pk)[-1].type == "deleted"
    after = read_checkpoint(outside.read_text())
    assert after.origin == f"{before.origin}/2"
    assert verifier_key().name == after.origin
    assert store.verify(checkpoints=[outside.read_text()]).problems == []

    fresh = session()
    checks.refuse_to_serve()
    take()
    checks.refuse_to_serve()
    assert Session.objects.filter(pk=fresh.pk).exists()
    assert Generation.objects.count() == 1


def test_the_old_file_is_known_to_be_abandoned(
    rolled_back: Callable[[], Session], settings: Any, outside: Path
) -> None:
    rolled_back()
    goes_on(settings)
    old = outside.read_text()
    checks.refuse_to_serve()
    for _ in range(2):
        assert standing("default", old) == "abandoned"
        outside.write_text(old)  # a copy that was not replaced
        checks.refuse_to_serve()
        assert Generation.objects.count() == 1


def test_rolled_back_again(
    rolled_back: Callable[[], Session], settings: Any, outside: Path
) -> None:
    rolled_back()
    goes_on(settings)
    backup = transaction.savepoint()
    checks.refuse_to_serve()
    second = outside.read_text()
    transaction.savepoint_rollback(backup)
    keyring("default").forget()
    assert standing("default", second) == "rolled back"
    checks.refuse_to_serve()
    assert current_generation("default") == 3
    assert read_checkpoint(outside.read_text()).origin.endswith("/3")


def test_a_database_administrator_cannot_begin_one(
    rolled_back: Callable[[], Session], outside: Path
) -> None:
    rolled_back()
    Generation.objects.create(number=2, abandoned=outside.read_text(), sealed=b"\x01" + bytes(40))
    with pytest.raises(SealBroken):
        checks.refuse_to_serve()


def test_nor_change_what_an_earlier_one_left_behind(
    rolled_back: Callable[[], Session], settings: Any, outside: Path
) -> None:
    rolled_back()
    goes_on(settings)
    old = outside.read_text()
    checks.refuse_to_serve()
    newer = outside.read_text()
    blob = envelope("default").seal(b"", frame("jazzauth/generation/1", 3, newer))
    Generation.objects.create(number=3, abandoned=newer, sealed=blob)
    assert standing("default", old) == "abandoned"
    body = read_checkpoint(old)
    longer = NoteSigner(body.origin, bytes(32)).sign(replace(body, size=body.size + 9).to_text())
    Generation.objects.filter(number=2).update(abandoned=longer)
    with pytest.raises(SealBroken, match="generation 2"):
        standing("default", old)


@pytest.mark.parametrize("number", ["999999999999", "9" * 5000, "007", "1"])
def test_a_generation_that_is_none(outside: Path, number: str, monkeypatch: Any) -> None:
    session()
    body = read_checkpoint(take().note)
    asked: list[int] = []
    signer = checkpoint_keys._signer
    monkeypatch.setattr(
        checkpoint_keys, "_signer", lambda *args: asked.append(args[2]) or signer(*args)
    )
    foreign = replace(body, origin=f"{body.origin}/{number}")
    note = NoteSigner(foreign.origin, bytes(32)).sign(foreign.to_text())
    with suppress(NoteError):
        assert standing("default", note) == "rolled back"
    assert len(asked) <= 1
    assert not Generation.objects.exists()


def test_checkpoints_put_back_without_their_events(
    rolled_back: Callable[[], Session], outside: Path
) -> None:
    get_user_model().objects.create(username="first")
    take()
    backup = transaction.savepoint()
    get_user_model().objects.create(username="second")
    replace_outside(str(outside), take().note)
    rows = list(Checkpoint.objects.values())
    transaction.savepoint_rollback(backup)
    Checkpoint.objects.all().delete()
    Checkpoint.objects.bulk_create(Checkpoint(**row) for row in rows)
    with pytest.raises(RolledBack):
        checks.refuse_to_serve()


def test_as_many_other_events(outside: Path) -> None:
    get_user_model().objects.create(username="first")
    take()
    backup = transaction.savepoint()
    get_user_model().objects.create(username="second")
    replace_outside(str(outside), take().note)
    transaction.savepoint_rollback(backup)
    get_user_model().objects.create(username="other")
    take()
    with pytest.raises(RolledBack):
        checks.refuse_to_serve()


def test_behind_the_first_checkpoint(outside: Path, settings: Any) -> None:
    get_user_model().objects.create(username="u")
    backup = transaction.savepoint()
    replace_outside(str(outside), take().note)
    transaction.savepoint_rollback(backup)
    keyring("default").forget()
    with pytest.raises(RolledBack):
        checks.refuse_to_serve()
    goes_on(settings)
    with pytest.raises(RolledBack, match="not signed with a key"):
        checks.refuse_to_serve()


def test_a_wrong_worker_secret_is_no_rollback(outside: Path, settings: Any) -> None:
    get_user_model().objects.create(username="u")
    replace_outside(str(outside), take().note)
    keyring("default").forget()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET": WorkerSecret.generate().to_text()}
    assert [error.id for error in checks.check_keys(["default"])] == ["jazzauth.E005"]
    assert checks.check_rollback(["default"]) == []


def test_a_file_that_is_no_checkpoint(outside: Path) -> None:
    get_user_model().objects.create(username="u")
    outside.write_text("nonsense")
    with pytest.raises(NoteError):
        checks.refuse_to_serve()
    assert [error.id for error in checks.check_rollback(["default"])] == ["jazzauth.E006"]
    replace_outside(str(outside), take().note.replace("\n1\n", "\n2\n"))
    with pytest.raises(NoteError, match="changed"):
        checks.refuse_to_serve()


def test_a_new_generation_begins_once(rolled_back: Callable[[], Session], outside: Path) -> None:
    rolled_back()
    note = outside.read_text()
    assert begin_generation("default", note) == 2
    assert begin_generation("default", note) == 2


def test_a_broken_session_does_not_save_the_others(
    rolled_back: Callable[[], Session], settings: Any
) -> None:
    revoked = rolled_back()
    session()
    key = Session._meta.pk.get_db_prep_value(revoked.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jazzauth_session SET head = %s WHERE id = %s", [b"\x01" + bytes(80), key]
        )
    goes_on(settings)
    checks.refuse_to_serve()
    assert not Session.objects.exists()


def test_the_doctor_says_it(rolled_back: Callable[[], Session], outside: Path) -> None:
    from django.core.management.base import CommandError

    rolled_back()
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("jazzauth", "doctor", stdout=out, stderr=io.StringIO(), no_color=True)
    assert "does not contain what the checkpoint outside says" in out.getvalue()
    assert Event.objects.exists()
