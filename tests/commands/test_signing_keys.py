"""``jazzauth signing-keys``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_jazzauth.models import SigningKey
from django_jazzauth.store import store
from django_jazzauth.tokens import keys

from .conftest import Run

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    keys.forget()


def test_looking_makes_no_key(jazzauth: Run) -> None:
    assert "no key yet" in jazzauth("signing-keys", "list").out
    assert not SigningKey.objects.exists()


def test_a_new_key_takes_over_later(jazzauth: Run) -> None:
    first = keys.signing_key()
    ran = jazzauth("signing-keys", "rotate")
    assert not ran.failed
    second = SigningKey.objects.exclude(pk=first.kid).get()
    assert str(second.pk) in ran.out
    assert second.active_from > timezone.now() + timedelta(minutes=14)
    assert keys.signing_key().kid == first.kid
    assert {key.kid for key in keys.published_keys()} == {first.kid, str(second.pk)}

    one, two = jazzauth("signing-keys", "list").out.splitlines()
    assert one.startswith(f"{first.kid}  EdDSA  signs until ")
    assert two.startswith(f"{second.pk}  EdDSA  published, signs from ")


def test_a_key_that_is_known_to_others_is_replaced_at_once(jazzauth: Run) -> None:
    first = keys.signing_key()
    assert "signs from now" in jazzauth("signing-keys", "rotate", "--at-once").out
    assert keys.signing_key().kid != first.kid
    one, two = jazzauth("signing-keys", "list").out.splitlines()
    assert "signs no more, published until" in one
    assert two.endswith(" signs")


def test_an_old_key_is_not_published(jazzauth: Run, settings: Any) -> None:
    keys.signing_key()
    jazzauth("signing-keys", "rotate", "--at-once")
    ended = timezone.now() - timedelta(days=31)
    oldest = SigningKey.objects.order_by("created_at")[0]
    oldest.expires_at = ended
    oldest.save()
    assert "not published" in jazzauth("signing-keys", "list").out.splitlines()[0]


def test_a_key_of_another_algorithm(jazzauth: Run, settings: Any) -> None:
    keys.signing_key()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": {"ALGORITHM": "ES256"}}
    assert jazzauth("signing-keys", "list").out.rstrip().endswith("signs, if its algorithm is set")


def test_no_private_key_is_shown_and_the_change_is_on_record(jazzauth: Run) -> None:
    ran = jazzauth("signing-keys", "rotate")
    listed = jazzauth("signing-keys", "list")
    key = SigningKey.objects.get()
    assert key.private_jwk["d"] not in ran.out + listed.out
    assert store.history(key)[0].cause["command"] == "jazzauth signing-keys"


def test_words_that_do_not_fit(jazzauth: Run) -> None:
    assert "--at-once goes with" in jazzauth("signing-keys", "list", "--at-once").failed
    assert "no database 'x'" in jazzauth("signing-keys", "list", "--database", "x").failed
