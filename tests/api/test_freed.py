"""What a request made is freed when it is answered: no circle of references is left."""

from __future__ import annotations

import gc
import io
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from django.test.client import ClientHandler

from django_jazzauth.api.endpoint import Endpoint

from .conftest import ORIGIN, Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Any]]]:
    """The endpoints and their requests that were asked, while Python looks for no circles."""
    found: list[weakref.ref[Any]] = []
    finalized = Endpoint.finalize_response

    def finalize_response(self: Endpoint, request: Any, *args: Any, **kwargs: Any) -> Any:
        found.extend((weakref.ref(self), weakref.ref(request)))
        return finalized(self, request, *args, **kwargs)

    monkeypatch.setattr(Endpoint, "finalize_response", finalize_response)
    gc.disable()
    yield found
    gc.enable()


def ask(method: str, path: str, cookie: str, body: bytes) -> int:
    """The status of an answer; Django's test client would keep more of it."""
    told = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/api/auth{path}",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "3100",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "HTTP_COOKIE": cookie,
        "HTTP_ORIGIN": ORIGIN,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
    }
    return int(ClientHandler(enforce_csrf_checks=False)(told).status_code)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/get-session", b""),
        ("GET", "/ok", b""),
        ("POST", "/update-user", b'{"name": "Alicia"}'),
        ("POST", "/sign-out", b"{}"),
    ],
)
def test_nothing_is_left_for_the_collector(
    api: Api, seen: list[weakref.ref[Any]], method: str, path: str, body: bytes
) -> None:
    cookies = api.sign_up().cookies
    cookie = "; ".join(f"{name}={morsel.coded_value}" for name, morsel in cookies.items())
    seen.clear()
    assert ask(method, path, cookie, body) == 200
    assert seen
    assert [one() for one in seen] == [None] * len(seen)
