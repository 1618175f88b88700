from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from django_jazzauth.tokens import remote_keys

from .issuer import Issuer


class Caller:
    """Sends one request to a view with the given classes."""

    def __init__(self, *classes: Any, permissions: Any = ()) -> None:
        class View(APIView):
            authentication_classes = classes
            permission_classes = permissions

            def get(view, request: Request) -> Response:
                self.user, self.auth = request.user, request.auth
                return Response({})

            post = get

        self.user: Any = None
        self.auth: Any = None
        self._view = View.as_view()

    def __call__(
        self, headers: dict[str, str] | None = None, cookie: str = "", method: str = "get"
    ) -> Any:
        request = getattr(APIRequestFactory(), method)("/", headers=headers or {})
        if cookie:
            request.META["HTTP_COOKIE"] = cookie
        self.user = self.auth = None
        return self._view(request).render()

    def bearer(self, token: str) -> Any:
        return self({"authorization": f"Bearer {token}"})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_fetched() -> Iterator[None]:
    remote_keys.forget()
    yield
    remote_keys.forget()
