"""Sign-up with a proof of a local-first identity."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from django_jazzauth.identity import derive_user_id, mint_proof
from django_jazzauth.models import Account, Session, UsedProof

from .conftest import ORIGIN, Api

SEED = bytes(range(32))
AUDIENCE = "react-localfirst-signup"


@pytest.fixture(autouse=True)
def _audience(settings: Any, captured_server: None) -> None:
    configure(settings)


def configure(settings: Any, **proof: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "PROOF": {"AUDIENCE": AUDIENCE, **proof}}


def refused(answer: Any, status: int, code: str) -> str:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not get_user_model().objects.exists()
    assert not UsedProof.objects.exists()
    assert not answer.cookies
    return str(answer.json()["message"])


def test_the_account_gets_the_proven_id(api: Api) -> None:
    proven = str(derive_user_id(SEED))
    answer = api.sign_up(proofToken=mint_proof(SEED, AUDIENCE))
    assert answer.status_code == 200
    assert answer.json()["user"]["id"] == proven
    assert api.get("/get-session").json()["session"]["userId"] == proven
    assert Account.objects.get().account_id == proven
    keys = jwt.PyJWKSet.from_dict(api.get("/jwks").json())
    token = api.get("/token").json()["token"]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, audience=ORIGIN, issuer=ORIGIN)
    assert claims["sub"] == claims["id"] == proven
    assert claims["email"] == "alice@example.com"


def test_without_a_proof_the_id_is_random(api: Api) -> None:
    ids = {api.sign_up(f"{n}@example.com").json()["user"]["id"] for n in range(3)}
    assert len(ids) == 3
    assert {uuid.UUID(text).version for text in ids} == {4}


def test_an_id_is_taken_from_nowhere_else(api: Api) -> None:
    chosen = str(uuid.uuid4())
    answer = api.sign_up(id=chosen, provedUserId=chosen, userId=chosen)
    assert answer.json()["user"]["id"] != chosen


def test_the_app_id_is_the_audience_unless_another_is_set(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "PROOF": {}}
    answer = api.sign_up(proofToken=mint_proof(SEED, AUDIENCE))
    assert refused(answer, 400, "PROOF_AUDIENCE").startswith("audience mismatch:")
    assert api.sign_up(proofToken=mint_proof(SEED, "captured-app")).status_code == 200


def test_a_server_without_an_audience_takes_no_proofs(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {k: v for k, v in settings.JAZZAUTH.items() if k not in ("APP_ID", "PROOF")}
    refused(api.sign_up(proofToken=mint_proof(SEED, AUDIENCE)), 400, "PROOF_NOT_SUPPORTED")


def test_a_proof_may_be_required(api: Api, settings: Any) -> None:
    configure(settings, REQUIRED=True)
    assert refused(api.sign_up(), 400, "PROOF_REQUIRED") == "proofToken is required"
    refused(api.sign_up(proofToken=""), 400, "PROOF_REQUIRED")
    assert api.sign_up(proofToken=mint_proof(SEED, AUDIENCE)).status_code == 200


def test_bad_proofs_are_refused_in_the_verifiers_words(api: Api) -> None:
    good = mint_proof(SEED, AUDIENCE)
    header, claims, signature = good.split(".")
    first = "A" if signature[0] != "A" else "B"
    now = int(time.time())
    for proof, code, words in (
        ("x", "PROOF_STRUCTURE", "invalid token: expected 3 parts"),
        (f"{header}.{claims}.{first}{signature[1:]}", "PROOF_SIGNATURE", "signature verification"),
        (mint_proof(SEED, "another-app"), "PROOF_AUDIENCE", "audience mismatch:"),
        (mint_proof(SEED, AUDIENCE, now=now - 61), "PROOF_EXPIRED", "token expired:"),
        (mint_proof(SEED, AUDIENCE, now=now + 120), "PROOF_FUTURE_IAT", "token issued in the"),
        (mint_proof(SEED, AUDIENCE, ttl=3601), "PROOF_TTL", "token ttl 3601s"),
        ("!.b.c", "PROOF_HEADER_BASE64", "header decode:"),
    ):
        assert refused(api.sign_up(proofToken=proof), 400, code).startswith(words)


def test_a_proof_of_absurd_length_is_not_even_looked_at(api: Api) -> None:
    answer = api.sign_up(proofToken="a" * 4097)
    assert answer.status_code == 400
    assert answer.json()["code"] == "VALIDATION_ERROR"
    assert answer.json()["message"].startswith("[body.proofToken] Too big")


def test_a_proof_is_refused_when_it_is_old(api: Api, settings: Any) -> None:
    now = int(time.time())
    old = mint_proof(SEED, AUDIENCE, ttl=3600, now=now - 302)
    refused(api.sign_up(proofToken=old), 400, "PROOF_TOO_OLD")
    young = mint_proof(SEED, AUDIENCE, ttl=3600, now=now - 290)
    assert api.sign_up(proofToken=young).status_code == 200
    configure(settings, MAX_AGE=3600)
    other = mint_proof(bytes(32), AUDIENCE, ttl=3600, now=now - 1000)
    assert api.sign_up("b@example.com", proofToken=other).status_code == 200


def test_an_anonymous_identity_is_refused_unless_allowed(api: Api, settings: Any) -> None:
    proof = mint_proof(SEED, AUDIENCE, issuer="urn:jazz:anonymous")
    assert refused(api.sign_up(proofToken=proof), 400, "PROOF_ISSUER").startswith("invalid issuer:")
    configure(settings, ALLOW_ANONYMOUS=True)
    assert api.sign_up(proofToken=proof).status_code == 200


def test_a_proof_is_used_once(api: Api) -> None:
    proof = mint_proof(SEED, AUDIENCE)
    assert api.sign_up(proofToken=proof).status_code == 200
    get_user_model().objects.all().delete()
    answer = api.sign_up("b@example.com", proofToken=proof)
    assert (answer.status_code, answer.json()["code"]) == (400, "PROOF_ALREADY_USED")
    assert not get_user_model().objects.exists()


def test_a_registered_identity_is_not_registered_again(api: Api) -> None:
    assert api.sign_up(proofToken=mint_proof(SEED, AUDIENCE)).status_code == 200
    answer = api.sign_up("b@example.com", proofToken=mint_proof(SEED, AUDIENCE, ttl=59))
    assert (answer.status_code, answer.json()["code"]) == (422, "IDENTITY_ALREADY_REGISTERED")
    assert get_user_model().objects.count() == 1
    assert UsedProof.objects.count() == 1


def test_a_refused_sign_up_gives_the_proof_back(api: Api) -> None:
    api.sign_up()
    proof = mint_proof(SEED, AUDIENCE)
    answer = api.sign_up(proofToken=proof)
    assert answer.json()["code"] == "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"
    assert api.sign_up("b@example.com", proofToken=proof).status_code == 200


@pytest.mark.parametrize("members", [{"password": "7 chars"}, {"email": "x"}])
def test_the_rest_of_the_body_is_checked_first(api: Api, members: dict[str, str]) -> None:
    answer = api.sign_up(**{"proofToken": mint_proof(SEED, AUDIENCE), **members})
    assert answer.status_code == 400
    assert not UsedProof.objects.exists()


@pytest.mark.parametrize(
    ("password", "status"),
    [
        ("8 chars!", 200),
        ("x" * 128, 200),
        ("x" * 129, 400),
        ("\ufb01" * 64, 200),  # a ligature counts as the two letters that it is hashed as
        ("\ufb01" * 65, 400),
        ("\U0001f600" * 4, 200),  # two UTF-16 units each, as JavaScript counts
        ("\U0001f600" * 3, 400),
    ],
)
def test_password_lengths(api: Api, password: str, status: int) -> None:
    assert api.sign_up(password=password).status_code == status
    if status == 200:
        body = {"email": "alice@example.com", "password": password}
        assert api.post("/sign-in/email", body).status_code == 200


def test_password_lengths_are_settings(api: Api, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "PASSWORD": {"MIN_LENGTH": 30, "MAX_LENGTH": 40}}
    assert api.sign_up().json()["code"] == "PASSWORD_TOO_SHORT"
    assert api.sign_up(password="x" * 41).json()["code"] == "PASSWORD_TOO_LONG"


def _sign_up_at_once(bodies: list[dict[str, Any]]) -> list[tuple[int, str]]:
    def run(body: dict[str, Any]) -> tuple[int, str]:
        try:
            answer = Client().post("/api/auth/sign-up/email", body, content_type="application/json")
            return answer.status_code, answer.json().get("code", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(len(bodies)) as pool:
        return sorted(pool.map(run, bodies))


@pytest.mark.django_db(transaction=True)
def test_of_several_sign_ups_at_once_one_wins() -> None:
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
        pytest.skip("threads share the one connection of an in-memory database")
    common = {"name": "A", "password": "correct-horse-battery"}
    same_mail = [{**common, "email": "same@example.com"}] * 4
    outcome = _sign_up_at_once(same_mail)
    assert outcome == [(200, "")] + [(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")] * 3

    proof = mint_proof(SEED, AUDIENCE)
    same_proof = [{**common, "email": f"{n}@example.com", "proofToken": proof} for n in range(4)]
    outcome = _sign_up_at_once(same_proof)
    assert outcome[0] == (200, "")
    # The others met the used proof or, a moment later, the registered identity.
    assert {code for _status, code in outcome[1:]} <= {
        "PROOF_ALREADY_USED",
        "IDENTITY_ALREADY_REGISTERED",
    }
    assert get_user_model().objects.count() == Session.objects.count() == 2
