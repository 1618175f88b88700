"""Errors that come from below the endpoints."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.errors import ApiError
from django_jazzauth.errors import JazzAuthError, SealBroken, ValueNotStorable

from .conftest import Api

RAISED: list[Exception] = []


class Raising(Endpoint):
    """Raises what the test wants."""

    def get(self, request: Request) -> Response:
        raise RAISED[-1]


urlpatterns = [path("api/auth/raise", Raising.as_view())]


@pytest.fixture(autouse=True)
def _urls(settings: Any, captured_server: None) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (ApiError(418, None, "teapot"), 418, {"message": "teapot"}),
        (exceptions.NotAuthenticated(), 401, {"message": "Unauthorized", "code": "UNAUTHORIZED"}),
        (PermissionDenied("secret"), 403, {"message": "Forbidden", "code": "FORBIDDEN"}),
        (exceptions.PermissionDenied(), 403, {"message": "Forbidden", "code": "FORBIDDEN"}),
        (Http404("secret"), 404, {"message": "Not found", "code": "NOT_FOUND"}),
        (
            ValueNotStorable("User.name is too long"),
            400,
            {"message": "A value cannot be stored", "code": "VALUE_NOT_STORABLE"},
        ),
        (
            exceptions.MethodNotAllowed("PUT"),
            405,
            {"message": 'Method "PUT" not allowed.', "code": "METHOD_NOT_ALLOWED"},
        ),
        (
            exceptions.NotAcceptable(),
            406,
            {
                "message": "Could not satisfy the request Accept header.",
                "code": "NOT_ACCEPTABLE",
            },
        ),
        (
            exceptions.UnsupportedMediaType("text/odd"),
            415,
            {
                "message": 'Unsupported media type "text/odd" in request.',
                "code": "UNSUPPORTED_MEDIA_TYPE",
            },
        ),
        (
            exceptions.ValidationError({"name": "secret"}),
            400,
            {"message": "Validation Error", "code": "VALIDATION_ERROR"},
        ),
        (
            exceptions.Throttled(),
            429,
            {"message": "Too many requests. Please try again later."},
        ),
    ],
)
def test_expected(api: Api, error: Exception, status: int, body: dict[str, str]) -> None:
    RAISED.append(error)
    answer = api.get("/raise")
    assert (answer.status_code, json.loads(answer.content)) == (status, body)


@pytest.mark.parametrize("error", [SealBroken("user/1", "changed"), RuntimeError("fault")])
def test_faults_of_ours_are_djangos_to_answer(api: Api, error: Exception) -> None:
    RAISED.append(error)
    with pytest.raises(type(error)):
        api.get("/raise")
    api.client.raise_request_exception = False
    answer = api.get("/raise")
    assert answer.status_code == 500
    assert str(error) not in answer.content.decode()


def test_every_error_has_a_code() -> None:
    error = ApiError(422, "FAILED_TO_CREATE_USER")
    assert isinstance(error, JazzAuthError)
    assert (error.code, str(error)) == ("FAILED_TO_CREATE_USER", "Failed to create user")


def test_a_view_of_the_project_says_how_long_to_wait(api: Api) -> None:
    RAISED.append(exceptions.Throttled(wait=2.5))
    assert api.get("/raise")["X-Retry-After"] == "3"
