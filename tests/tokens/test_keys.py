"""Signing keys: made at first use, kept in memory, rotated, retired."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_jazzauth.models import SigningKey
from django_jazzauth.tokens import keys
from django_jazzauth.tokens.algorithms import (
    SUPPORTED,
    UnsupportedAlgorithm,
    generate_jwk,
    public_part,
)
from django_jazzauth.tokens.jwks import MAX_AGE, key_set
from django_jazzauth.tokens.keys import PUBLISH_AHEAD, make_key, published_keys, rotate, signing_key
from django_jazzauth.tokens.signing import sign, verify

pytestmark = pytest.mark.django_db

PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Any:
    keys.forget()
    yield
    keys.forget()


def configure(settings: Any, **jwt: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "JWT": jwt}


def set_age(key: SigningKey, age: timedelta) -> None:
    """Let a key be older than it is."""
    for name in ("created_at", "active_from", "expires_at"):
        value = getattr(key, name)
        if value is not None:
            setattr(key, name, value - age)
    key.save()
    keys.forget()


def published() -> list[str]:
    return [key["kid"] for key in json.loads(key_set().body)["keys"]]


def test_the_first_key_is_made_at_the_first_use() -> None:
    assert not SigningKey.objects.exists()
    key = signing_key()
    assert SigningKey.objects.count() == 1
    assert signing_key().kid == key.kid
    assert published() == [key.kid]
    assert key.algorithm == "EdDSA"
    assert "private" not in repr(key)


def test_the_key_set_makes_the_first_key_too() -> None:
    assert len(published()) == 1


@pytest.mark.parametrize("algorithm", SUPPORTED)
def test_the_private_half_is_sealed_and_never_published(settings: Any, algorithm: str) -> None:
    configure(settings, ALGORITHM=algorithm)
    signing_key()
    (public,) = json.loads(key_set().body)["keys"]
    assert public["alg"] == algorithm
    assert not PRIVATE_MEMBERS & set(public)
    private = SigningKey.objects.get().private_jwk
    assert private["d"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jazzauth_signing_key")
        stored = repr([bytes(v) if isinstance(v, memoryview) else v for v in cursor.fetchone()])
    assert private["d"] not in stored


def test_no_other_algorithms(settings: Any) -> None:
    for name in ("HS256", "none", "ES512", "ES256K"):
        with pytest.raises(UnsupportedAlgorithm):
            generate_jwk(name)
    assert "P-521" not in {public_part(n, generate_jwk(n)).get("crv") for n in SUPPORTED}


def test_another_algorithm_gets_a_key_of_its_own(settings: Any) -> None:
    first = signing_key()
    configure(settings, ALGORITHM="ES256")
    second = signing_key()
    assert second.algorithm == "ES256"
    assert published() == [first.kid, second.kid]


def test_within_a_transaction_nothing_is_remembered() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        gone = signing_key()
        raise RuntimeError
    assert signing_key().kid != gone.kid


def test_the_same_key_for_all_when_two_were_made_at_once() -> None:
    first = make_key()
    make_key()
    keys.forget()
    assert signing_key().kid == str(first.pk)
    assert len(published()) == 2


def test_rotation_by_interval(settings: Any) -> None:
    configure(settings, ROTATION_INTERVAL=3600, GRACE_PERIOD=600, LIFETIME=300)
    first = signing_key()
    assert first.expires_at == first.active_from + timedelta(hours=1)
    token = sign({"sub": "a", "iat": 1, "exp": 99_999_999_999, "iss": "i", "aud": "a"})

    set_age(SigningKey.objects.get(), timedelta(minutes=50))
    assert signing_key().kid == first.kid
    # The successor is published now, but does not sign before the first one has run out.
    successor = SigningKey.objects.exclude(pk=first.kid).get()
    assert published() == [first.kid, str(successor.pk)]
    assert successor.active_from == SigningKey.objects.get(pk=first.kid).expires_at

    for key in SigningKey.objects.all():
        set_age(key, timedelta(minutes=11))
    assert signing_key().kid == str(successor.pk)
    assert published() == [first.kid, str(successor.pk)]
    assert verify(token, audience="a", issuer="i")["sub"] == "a"

    for key in SigningKey.objects.all():
        set_age(key, timedelta(minutes=10))
    assert published() == [str(successor.pk)]


def test_a_key_that_ran_out_unnoticed_is_followed_at_once(settings: Any) -> None:
    """The recorded behaviour: nobody signed while the successor should have been announced."""
    configure(settings, ROTATION_INTERVAL=3600, GRACE_PERIOD=600, LIFETIME=300)
    first = signing_key()
    set_age(SigningKey.objects.get(), timedelta(minutes=61))
    assert first.kid in published()
    second = signing_key()
    assert second.kid != first.kid
    assert published() == [first.kid, second.kid]


def test_rotation_by_hand() -> None:
    first = signing_key()
    rotate()
    assert signing_key().kid == first.kid
    assert len(published()) == 2
    for key in SigningKey.objects.all():
        set_age(key, PUBLISH_AHEAD)
    second = signing_key()
    assert second.kid != first.kid
    rotate(at_once=True)
    assert signing_key().kid not in (first.kid, second.kid)
    assert len(published()) == 3


def test_a_retired_key_outlives_its_tokens_without_any_grace(settings: Any) -> None:
    configure(settings, GRACE_PERIOD=0, LIFETIME=900)
    first = signing_key()
    rotate(at_once=True)
    assert first.kid in published()
    for key in SigningKey.objects.all():
        set_age(key, timedelta(seconds=901))
    assert first.kid not in published()


def test_new_keys_are_published_longer_than_verifiers_keep_the_set() -> None:
    kept = timedelta(seconds=MAX_AGE + keys.CACHE_SECONDS)
    assert kept < PUBLISH_AHEAD


def test_the_tag_changes_with_the_set() -> None:
    before = key_set()
    assert key_set() == before
    rotate()
    assert key_set().etag != before.etag


@pytest.mark.django_db(transaction=True)
def test_no_query_when_nothing_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    signing_key()
    published_keys()
    with CaptureQueriesContext(connection) as queries:
        key_set()
        sign({"sub": "a"})
    assert len(queries) == 0
    # Another process may have made a key: looked up again after a while.
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + keys.CACHE_SECONDS + 1)
    with CaptureQueriesContext(connection) as queries:
        key_set()
    assert len(queries) == 1
    # What this process changes counts at once.
    SigningKey.objects.all().delete()
    assert signing_key().created_at > timezone.now() - timedelta(seconds=10)


@pytest.mark.django_db(transaction=True)
def test_keys_do_not_outlive_a_flush() -> None:
    gone = signing_key()
    assert signing_key().kid == gone.kid
    call_command("flush", interactive=False, verbosity=0)
    assert gone.kid not in published()
    assert SigningKey.objects.count() == 1
