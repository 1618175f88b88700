from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from django_jazzauth.contrib.jwt.checks import check_issuer
from django_jazzauth.models import SigningKey
from django_jazzauth.tokens import keys


@pytest.fixture
def page(settings: Any) -> Client:
    settings.ROOT_URLCONF = "tests.urls"
    keys.forget()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("root", "r@example.org", "pw"))
    return client


def test_keys_are_shown_without_their_secret(page: Client) -> None:
    key = SigningKey.objects.get(pk=keys.signing_key().kid)
    place = "/admin/django_jazzauth/signingkey/"
    for path in (place, f"{place}{key.pk}/change/", f"{place}{key.pk}/history/"):
        answer = page.get(path)
        assert answer.status_code == 200
        assert key.private_jwk["d"] not in answer.content.decode()
    assert key.public_jwk["x"] in page.get(f"{place}{key.pk}/change/").content.decode()


def test_keys_are_neither_made_nor_changed_nor_deleted(page: Client) -> None:
    kid = keys.signing_key().kid
    place = "/admin/django_jazzauth/signingkey/"
    assert page.get(f"{place}add/").status_code == 403
    assert page.post(f"{place}{kid}/change/", {"algorithm": "none"}).status_code == 403
    assert page.post(f"{place}{kid}/delete/", {"post": "yes"}).status_code == 403
    assert SigningKey.objects.get().algorithm == "EdDSA"


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, ["jazzauth.W040"]),
        ({"BASE_URL": "https://example.org"}, []),
        ({"JWT": {"ISSUER": "https://a.example", "AUDIENCE": "https://b.example"}}, []),
        ({"JWT": {"ISSUER": "https://a.example"}}, ["jazzauth.W040"]),
        ({"UNKNOWN": 1}, []),
    ],
)
def test_the_issuer_has_to_be_known(settings: Any, options: dict[str, Any], ids: list[str]) -> None:
    settings.JAZZAUTH = options
    assert [message.id for message in check_issuer()] == ids
    settings.DEBUG = True
    assert check_issuer() == []
