"""Bringing back what was deleted, with what was deleted along with it."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from django_jazzauth.errors import KeyDestroyed, RestoreRefused
from django_jazzauth.models import Account, Session, Verification
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from tests.testapp.models import Patient

pytestmark = pytest.mark.django_db

SOON = datetime.timedelta(days=1)


@pytest.fixture
def ana() -> Any:
    user = get_user_model().objects.create_user("ana", "ana@example.org", "pw", name="Ana")
    user.groups.add(Group.objects.create(name="editors"))
    for provider in ("google", "github"):
        Account.objects.create(user=user, provider_id=provider, account_id=f"{provider}-1")
    Patient.objects.create(record_no="R-1", owner=user, notes="private")
    Session.objects.create(user=user, expires_at=datetime.datetime.now(datetime.UTC) + SOON)
    return user


def accounts(user: Any) -> list[str]:
    return sorted(Account.objects.filter(user=user).values_list("provider_id", flat=True))


def test_a_user_comes_back_with_all_that_hung_on_them(ana: Any) -> None:
    pk = ana.pk
    other = get_user_model().objects.create_user("bo", "bo@example.org", "pw")
    Account.objects.create(user=other, provider_id="google", account_id="google-2")
    get_user_model().objects.filter(username__in=["ana", "bo"]).delete()
    found = store.restore_all(get_user_model(), pk)
    assert found.instance.email == "ana@example.org"
    assert [group.name for group in found.instance.groups.all()] == ["editors"]
    assert accounts(found.instance) == ["github", "google"]
    assert Patient.objects.get(owner=pk).notes == "private"
    assert found.left == []
    assert len(found.streams) == 4
    assert found.streams[0] == f"user/{pk}"
    assert not Session.objects.exists()
    assert not get_user_model().objects.filter(username="bo").exists()
    assert {event.type for event in store.history(found.instance)[-1:]} == {"restored"}
    assert store.verify().ok


def test_what_may_hang_on_nobody_comes_back_too() -> None:
    """Django deletes a row before the rows that point at it by a foreign key that may be NULL."""
    user = get_user_model().objects.create_user("bo", "bo@example.org", "pw")
    for number in range(2):
        Patient.objects.create(record_no=f"R-{number}", owner=user)
    pk = user.pk
    user.delete()
    store.restore(get_user_model(), pk)
    assert Patient.objects.filter(owner=pk).count() == 2
    assert store.verify().ok


def test_what_had_gone_before_stays_gone(ana: Any) -> None:
    pk = ana.pk
    with transaction.atomic():
        Account.objects.get(provider_id="github").delete()
        ana.delete()
    assert accounts(store.restore(get_user_model(), pk)) == ["google"]


def test_what_a_rollback_undid_is_not_noted(ana: Any) -> None:
    pk = ana.pk
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        get_user_model().objects.get(pk=pk).delete()
        raise ZeroDivisionError
    Account.objects.get(provider_id="github").delete()
    get_user_model().objects.get(pk=pk).delete()
    assert accounts(store.restore(get_user_model(), pk)) == ["google"]


def test_what_was_brought_back_and_ended_by_itself_is_left(ana: Any) -> None:
    pk, account = ana.pk, Account.objects.get(provider_id="github")
    key = account.pk
    ana.delete()
    found = store.restore_all(get_user_model(), pk)
    Account.objects.get(pk=key).delete()
    found.instance.delete()
    again = store.restore_all(get_user_model(), pk)
    assert accounts(again.instance) == ["google"]
    assert again.left == []
    # Restored by hand in between: it lives, and stays as it is.
    again.instance.delete()
    bare = get_user_model()(pk=pk, username="ana", email="ana@example.org")
    bare.save(force_insert=True)
    google = Account.objects.create(user=bare, provider_id="google", account_id="google-1")
    assert accounts(bare) == ["google"]
    google.delete()


def test_a_taken_address_refuses_and_writes_nothing(ana: Any) -> None:
    pk = ana.pk
    ana.delete()
    get_user_model().objects.create_user("thief", "ana@example.org", "pw", email_verified=True)
    taken = get_user_model().objects.create_user("ana", "other@example.org", "pw")
    before = Event.objects.count()
    with pytest.raises(RestoreRefused) as caught:
        store.restore(get_user_model(), pk)
    assert caught.value.code == "RESTORE_REFUSED"
    assert "ana" not in str(caught.value).replace(str(pk), "")
    assert Event.objects.count() == before
    taken.delete()


def test_a_taken_account_refuses_the_whole(ana: Any) -> None:
    pk = ana.pk
    key = Patient.objects.get().pk
    ana.delete()
    Patient.objects.create(record_no="R-1")
    before = Event.objects.count()
    with pytest.raises(RestoreRefused, match=f"patient/{key}"):
        store.restore(get_user_model(), pk)
    assert Event.objects.count() == before
    assert not get_user_model().objects.filter(pk=pk).exists()
    assert store.verify().ok


def test_what_was_revoked_or_used_up_stays_so(ana: Any) -> None:
    session = Session.objects.get()
    once = Verification.objects.issue("reset", str(uuid.uuid4()), lifetime=SOON)
    for model, instance in ((Session, session), (Verification, once)):
        pk = instance.pk
        instance.delete()
        with pytest.raises(RestoreRefused, match="stays ended"):
            store.restore(model, pk)


def test_who_was_shredded_never_comes_back(ana: Any) -> None:
    pk, account = ana.pk, Account.objects.first()
    assert account is not None
    key = account.pk
    store.shred(ana)
    for model, each in ((get_user_model(), pk), (Account, key)):
        with pytest.raises(KeyDestroyed) as caught:
            store.restore(model, each)
        assert caught.value.code == "KEY_DESTROYED"
