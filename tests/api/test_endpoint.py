"""What a plugin's endpoint may override of DRF's, it overrides."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from rest_framework.parsers import BaseParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.fields import StringField
from django_jazzauth.api.responses import Response
from django_jazzauth.api.serializers import Body

from .conftest import ORIGIN


@pytest.fixture
def honest() -> None:
    """These endpoints declare no answers."""


class Nobody(BasePermission):
    """Lets nobody in."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return False


class Plain(BaseParser):
    """``text/plain`` as an object."""

    media_type = "text/plain"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        assert parser_context["view"].request._request is not None
        return {"text": stream.read().decode(), "type": media_type}


class TextBody(Body):
    """What :class:`Plain` makes."""

    text = StringField()
    type = StringField(required=False)


class Echo(Endpoint):
    """Answers with its body and parameters."""

    body_class = TextBody

    def get(self, request: Request) -> Response:
        return Response(
            {"parameters": self.parameters.dict(), "x": self.parameters.get("x", default="-")}
        )

    def post(self, request: Request) -> Response:
        return Response(self.body)

    def jump(self, request: Request) -> Response:
        raise AssertionError("no method of HTTP")


def ask(view: Any, method: str = "GET", octets: bytes = b"", path: str = "/", **more: str) -> Any:
    kind = more.pop("content_type", "application/json")
    request = RequestFactory().generic(method, path, octets, kind, headers={"origin": ORIGIN})
    answer: HttpResponse = view(request)
    return answer


def test_permissions_are_asked() -> None:
    assert ask(Echo.as_view()).status_code == 200
    assert ask(Echo.as_view(permission_classes=[Nobody])).status_code == 403

    class Choosing(Echo):
        def get_permissions(self) -> Any:
            return [Nobody()]

    assert ask(Choosing.as_view()).status_code == 403


def test_methods_that_an_endpoint_does_not_have() -> None:
    assert ask(Echo.as_view(), "PUT").status_code == 404
    assert ask(Echo.as_view(), "JUMP").status_code == 405
    assert ask(Echo.as_view(http_method_names=["post"])).status_code == 405


def test_parameters() -> None:
    assert ask(Echo.as_view()).data == {"parameters": {}, "x": "-"}
    assert ask(Echo.as_view(), path="/?x=1&x=2").data == {"parameters": {"x": "2"}, "x": "2"}


def test_parsers_of_its_own() -> None:
    view = Echo.as_view(parser_classes=[Plain])
    answer = ask(view, "POST", b"hello", content_type="text/plain; a=b")
    assert answer.data == {"text": "hello", "type": "text/plain; a=b"}
    assert ask(view, "POST", b"{}").status_code == 415


def test_another_request_for_the_handler() -> None:
    class Wrapping(Echo):
        def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
            octets = request.body.replace(b"bad", b"good")
            other = RequestFactory().post("/", octets, request.content_type)
            return super().initialize_request(other, *args, **kwargs)

    assert ask(Wrapping.as_view(), "POST", b'{"text": "bad"}').data == {"text": "good"}


def test_what_the_answer_is_does_not_matter() -> None:
    class Page(Echo):
        def get(self, request: Request) -> Any:
            return HttpResponse("a page")

        def post(self, request: Request) -> Any:
            return None

    assert ask(Page.as_view()).content == b"a page"
    with pytest.raises(AssertionError, match="NoneType"):
        ask(Page.as_view(), "POST", b'{"text": "x"}')
