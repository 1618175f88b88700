from __future__ import annotations

from datetime import timedelta
from typing import Any

import jwt
from django.utils import timezone

from django_jazzauth.models import SigningKey
from django_jazzauth.tokens import keys
from tests.api.conftest import Api
from tests.api.plugin_setup import install
from tests.api.transcripts import Replay, flow
from tests.contrib.replaying import assert_same


def test_recorded_exchanges() -> None:
    replay = Replay()
    exchanges = flow("jwt-jwks", "jwt")
    replay.become(exchanges[1], "jwt@example.com", name="Jwt")
    for exchange in exchanges:
        replay.play(exchange)
    assert_same(replay, 4)


def test_recorded_rotation(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "JWT": {"ROTATION_INTERVAL": 3600, "GRACE_PERIOD": 600, "LIFETIME": 60},
    }
    replay = Replay(prefix="/jwt-rotate")
    exchanges = {exchange.step: exchange for exchange in flow("jwt-rotation", "rotation")}
    replay.become(exchanges["token"], "rotate@example.com", name="rotate")
    for step, age in (
        ("token", timedelta()),
        ("jwks: one key", timedelta()),
        ("jwks: the key has run out a minute ago, still published", timedelta(minutes=61)),
        ("token: a new key is made", timedelta()),
        ("jwks: both", timedelta()),
        ("jwks: past the grace period, only the new one", timedelta(minutes=10)),
    ):
        _age_of_the_oldest(age)
        replay.play(exchanges[step])
    # Ours is made as soon as it is needed: already for the set that was asked for in between.
    (early,) = replay.differences
    assert "the key has run out a minute ago" in early
    assert "body.keys" in early
    assert replay.steps == 6


def _age_of_the_oldest(age: timedelta) -> None:
    key = SigningKey.objects.order_by("created_at").first()
    if key is None or not age:
        return
    key.active_from -= age
    key.expires_at -= age
    key.save()
    keys.forget()


def _claims(user: Any, session: Any) -> dict[str, Any]:
    return {"id": str(user.pk), "email": user.email}


def test_recorded_rs256(settings: Any) -> None:
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "JWT": {
            "ALGORITHM": "RS256",
            "ISSUER": "https://issuer.example",
            "AUDIENCE": "https://aud.example",
            "LIFETIME": 3600,
            "CLAIMS": f"{__name__}._claims",
        },
    }
    replay = Replay(prefix="/jwt-rs256")
    exchanges = flow("jwt-rotation", "rs256")
    replay.become(exchanges[0], "rs256@example.com", name="rs256")
    token, published = [replay.play(exchange).json() for exchange in exchanges]
    (difference,) = replay.differences  # the modulus: another key
    assert "body.keys[0].n" in difference
    assert replay.steps == 2
    key = jwt.PyJWK(published["keys"][0])
    said = jwt.decode(
        token["token"], key, audience="https://aud.example", issuer="https://issuer.example"
    )
    assert set(said) == {"iat", "id", "email", "sub", "exp", "iss", "aud"}
    assert said["exp"] - said["iat"] == 3600


def test_without_the_plugin_there_is_no_header_but_a_token(settings: Any, api: Api) -> None:
    install(settings)
    api.sign_up()
    assert "Set-Auth-Jwt" not in api.get("/get-session")
    assert api.get("/token").json()["token"].count(".") == 2
    assert api.get("/jwks").json()["keys"]


def test_nobody_gets_a_token(api: Api) -> None:
    assert "Set-Auth-Jwt" not in api.get("/get-session")
    api.sign_up()
    assert "Set-Auth-Jwt" not in api.get("/get-session?format=cookieSession")


def test_the_token_names_what_plugins_add(api: Api) -> None:
    api.sign_up(username="alice")
    token = api.get("/get-session")["Set-Auth-Jwt"]
    said = jwt.decode(token, options={"verify_signature": False})
    assert said["username"] == "alice"
    assert said["isAnonymous"] is False
    assert timezone.now().timestamp() < said["exp"]
