"""What holds the endpoints to their declarations notices when they do not keep them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from django_jazzauth.api.answers import answers
from django_jazzauth.api.endpoint import Endpoint, nothing_here
from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.payloads import StatusPayload

from ..api.conftest import captured_server  # noqa: F401
from .honesty import Held, honest  # noqa: F401


class LiarView(Endpoint):
    """Answers as it is told to."""

    said: Any = None

    @answers(StatusPayload, errors={400: ("ODD",)})
    def get(self, request: Request) -> HttpResponse:
        """``{status}``."""
        if isinstance(self.said, Exception):
            raise self.said
        return self.said if isinstance(self.said, HttpResponse) else Response(self.said)


class SilentView(Endpoint):
    """Declares nothing."""

    def get(self, request: Request) -> Response:
        return Response({})


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"status": True}, None),
        (ApiError(400, "ODD", "Odd"), None),
        ({"status": "yes"}, "$.status: 'yes' is not of type 'boolean'"),
        ({}, "'status' is a required property"),
        ({"status": True, "more": 1}, "'more' was unexpected"),
        (ApiError(400, "ODDER", "Odder"), "'ODDER' is not one of"),
        (ApiError(400, None, "Odd"), "'code' is a required property"),
        (ApiError(409, "ODD", "Odd"), "the status is not declared"),
        (Response({"status": True}, headers={"Location": "/"}), "Location is not declared"),
        (HttpResponse("<p>", content_type="text/html"), "text/html is not declared"),
        (HttpResponse(status=200), "an empty body is not declared"),
        (nothing_here(), "the status is not declared"),
    ],
)
def test_a_lie_is_noticed(
    captured_server: None,  # noqa: F811
    honest: Held,  # noqa: F811
    settings: Any,
    said: Any,
    complaint: str | None,
) -> None:
    _get(settings, LiarView.as_view(said=said))
    assert honest.answers == 1
    found, honest.complaints = honest.complaints, []
    if complaint is None:
        assert found == []
    else:
        assert len(found) == 1
        assert complaint in found[0]


def test_silence_is_noticed(captured_server: None, honest: Held, settings: Any) -> None:  # noqa: F811
    _get(settings, SilentView.as_view())
    found, honest.complaints = honest.complaints, []
    assert found == ["GET /api/auth/said 200: declares no answers"]


def _get(settings: Any, view: Any) -> None:
    urls = ModuleType("urls_of_one_test")
    api = ([path("said", view)], "jazzauth")
    urls.urlpatterns = [path("api/auth/", include(api))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    Client().get("/api/auth/said")
