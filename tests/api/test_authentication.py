"""The DRF authentication classes in a project's own view."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_jazzauth.api.authentication import (
    BearerSessionAuthentication,
    SessionCookieAuthentication,
)

from .conftest import ORIGIN, Api


class Whoami(APIView):
    """Says who calls."""

    permission_classes = (IsAuthenticated,)
    authentication_classes = (SessionCookieAuthentication, BearerSessionAuthentication)

    def get(self, request: Request) -> Response:
        auth: Any = request.auth
        assert auth.session.user_id == request.user.pk
        return Response({"email": request.user.email, "id": auth.user_id, "mode": auth.auth_mode})

    post = get


class CookieOnly(Whoami):
    authentication_classes = (SessionCookieAuthentication,)  # type: ignore[assignment]


class BearerOnly(Whoami):
    authentication_classes = (BearerSessionAuthentication,)  # type: ignore[assignment]


urlpatterns = [
    path("api/auth/", include("django_jazzauth.urls")),
    path("whoami", Whoami.as_view()),
    path("cookie", CookieOnly.as_view()),
    path("bearer", BearerOnly.as_view()),
]


@pytest.fixture(autouse=True)
def _urls(settings: Any, captured_server: None) -> None:
    settings.ROOT_URLCONF = __name__


def test_cookie(api: Api) -> None:
    assert api.client.get("/whoami").status_code == 401
    user = api.sign_up().json()["user"]
    answer = api.client.get("/whoami")
    assert answer.json() == {"email": "alice@example.com", "id": user["id"], "mode": "external"}
    assert api.client.get("/bearer").status_code == 401
    api.post("/sign-out")
    assert api.client.get("/whoami").status_code == 401


def test_cookie_needs_a_trusted_origin_to_change_anything(api: Api) -> None:
    api.sign_up()
    assert api.client.post("/cookie").status_code == 403
    assert api.client.post("/cookie", headers={"origin": "https://evil.example"}).status_code == 403
    assert api.client.post("/cookie", headers={"origin": ORIGIN}).status_code == 200


def test_bearer(api: Api) -> None:
    token = api.sign_up().json()["token"]
    cookie = api.client.cookies["better-auth.session_token"].value
    stranger = Api().client
    for given in (token, cookie):
        headers = {"authorization": f"Bearer {given}"}
        assert stranger.get("/whoami", headers=headers).status_code == 200
        assert stranger.post("/bearer", headers=headers).status_code == 200
        assert stranger.get("/cookie", headers=headers).status_code == 401
    for given in ("Bearer", "Bearer ", "Bearer nobody", f"Bearer {token}.AAAA", f"Basic {token}"):
        answer = stranger.get("/bearer", headers={"authorization": given})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
