"""A project that describes its own API with drf-spectacular: with our endpoints, and without."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from openapi_spec_validator import validate
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.contrib.open_api.document import api_patterns, generate
from django_jazzauth.contrib.open_api.inclusion import include_endpoints


class User(serializers.Serializer[Any]):
    """The project has a component of that name itself."""

    nickname = serializers.CharField()


class ShopView(APIView):
    schema = AutoSchema()
    serializer_class = User
    authentication_classes = ()

    def get(self, request: Request) -> Response:
        return Response({})


PATTERNS = [
    path("api/auth/", include("django_jazzauth.urls")),
    path("api/shop/", ShopView.as_view()),
]


@pytest.fixture
def included(settings: Any) -> Any:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "OPEN_API": {"IN_PROJECT_SCHEMA": True}}
    include_endpoints()
    yield
    Endpoint.schema = None


def projects_document() -> dict[str, Any]:
    with GENERATOR_STATS.silence():
        made = SchemaGenerator(patterns=PATTERNS).get_schema(request=None, public=True)
        complaints = {*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache}
    assert complaints == set()
    validate(made)
    return dict(made)


def test_the_endpoints_are_left_out() -> None:
    assert list(projects_document()["paths"]) == ["/api/shop/"]


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_the_endpoints_are_in_it_where_the_settings_say_so(
    included: None, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spectacular_settings, "OAS_VERSION", version)
    document = projects_document()
    assert document["openapi"] == version
    operation = document["paths"]["/api/auth/sign-in/email"]["post"]
    assert operation["operationId"] == "signInEmail"
    schemas = document["components"]["schemas"]
    assert schemas["User"]["properties"].keys() == {"nickname"}
    assert schemas["AuthUser"]["properties"].keys() > {"email"}
    shape = operation["requestBody"]["content"]["application/json"]["schema"]
    assert shape == {"$ref": "#/components/schemas/AuthSignInEmailBody"}


def test_the_projects_settings_do_not_change_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generate(api_patterns("tests.api.urls"))
    chosen: dict[str, Any] = {
        "TITLE": "The shop",
        "OAS_VERSION": "3.0.3",
        "COMPONENT_SPLIT_REQUEST": True,
        "CAMELIZE_NAMES": True,
        "SCHEMA_PATH_PREFIX": "/sign-in",
        "SCHEMA_PATH_PREFIX_TRIM": True,
        "POSTPROCESSING_HOOKS": [pytest.fail],
        "PREPROCESSING_HOOKS": [pytest.fail],
        "SECURITY": [{"shop": []}],
        "SERVERS": [{"url": "https://shop.example"}],
    }
    for name, value in chosen.items():
        monkeypatch.setattr(spectacular_settings, name, value)
    assert generate(api_patterns("tests.api.urls")) == before
    for name, value in chosen.items():
        assert getattr(spectacular_settings, name) == value


def test_the_projects_versioning_is_not_ours(rf: RequestFactory) -> None:
    assert Endpoint.versioning_class is None
