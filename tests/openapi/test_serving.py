"""The plugin: the document and the page as they are served, and the way to switch them off."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.checks import run_checks
from openapi_spec_validator import validate

from django_jazzauth.contrib.open_api import document as documents

from ..api.conftest import Api, captured_server  # noqa: F401
from ..api.plugin_setup import EVERYTHING, install
from ..api.transcripts import Replay, flow
from .honesty import Held, honest  # noqa: F401

OPEN_API = "django_jazzauth.contrib.open_api"
BUNDLE = "drf_spectacular_sidecar"


@pytest.fixture
def served(settings: Any, captured_server: None) -> None:  # noqa: F811
    install(settings, OPEN_API)


@pytest.fixture
def without_bundle(settings: Any, captured_server: None) -> None:  # noqa: F811
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != BUNDLE]
    install(settings, OPEN_API)


def test_the_document(served: None, honest: Held) -> None:  # noqa: F811
    answer = Api().get("/open-api/generate-schema")
    assert answer["Content-Type"] == "application/json"
    document = answer.json()
    validate(document)
    assert document["servers"] == [{"url": "http://localhost:3100/api/auth"}]
    assert document["paths"]["/reference"]["get"]["tags"] == ["Open-api"]
    assert {"name": "Open-api"} in document["tags"]
    assert honest.operations == {"generateOpenAPISchema"}


def test_it_is_as_better_auths(served: None) -> None:
    """Its recorded lines give the document's outline only, and a page that is not ours."""
    schema, page, older = flow("open-api", "open-api")
    answer = Replay()._send(schema.request)
    recorded = schema.response
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert recorded["headers"]["content-type"] == "application/json"
    ours, theirs = answer.json(), recorded["body"]
    assert ours.keys() == (theirs.keys() - {"pathCount"}) | {"paths", "components"}
    assert ours["openapi"] == theirs["openapi"]
    assert ours["servers"] == theirs["servers"]
    assert ours["info"].keys() == theirs["info"].keys()
    assert [tag["name"] for tag in ours["tags"]][:1] == [tag["name"] for tag in theirs["tags"]]
    # They write that both are needed; either is.
    assert {name for one in ours["security"] for name in one} == theirs["security"][0].keys()

    answer = Replay()._send(page.request)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html")
    assert page.response["headers"]["content-type"] == "text/html"

    replay = Replay()
    replay.play(older)
    assert replay.differences == []


def test_it_is_made_once(served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    generate = documents.generate
    monkeypatch.setattr(documents, "generate", lambda p: made.append(1) or generate(p))
    documents._forget()
    first = Api().get("/open-api/generate-schema").content
    assert Api().get("/open-api/generate-schema").content == first
    assert len(made) == 1


def test_it_is_made_anew_when_settings_change(served: None, settings: Any) -> None:
    def cookie() -> str:
        document = Api().get("/open-api/generate-schema").json()
        return str(document["components"]["securitySchemes"]["apiKeyCookie"]["name"])

    assert cookie() == "better-auth.session_token"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "BASE_URL": "https://example.org"}
    assert cookie() == "__Secure-better-auth.session_token"


def test_plugins_are_in_it(settings: Any, captured_server: None) -> None:  # noqa: F811
    install(settings, OPEN_API, EVERYTHING)
    document = Api().get("/open-api/generate-schema").json()
    validate(document)
    wave = document["paths"]["/wave"]["get"]
    assert (wave["operationId"], wave["tags"]) == ("wave", ["Plugin-app"])
    schemas = document["components"]["schemas"]
    assert schemas["User"]["properties"]["lastName"] == {"type": "string"}
    assert "lastName" in schemas["User"]["required"]
    assert schemas["Session"]["properties"]["device"] == {"type": "string"}
    assert schemas["SignUpEmailBody"]["properties"]["lastName"]["maxLength"] == 20
    signed_up = document["paths"]["/sign-up/email"]["post"]["responses"]
    shapes = signed_up["200"]["content"]["application/json"]["schema"]["anyOf"]
    assert {"$ref": "#/components/schemas/Knock"} in shapes
    assert "Set-Auth-Token" not in signed_up["200"]["headers"]
    codes = signed_up["403"]["content"]["application/json"]["schema"]["properties"]["code"]
    assert "NOT_TODAY" in codes["enum"]


def test_an_incomplete_document_is_served_and_logged(
    served: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from django_jazzauth.api.views.status import OkView

    monkeypatch.setattr(OkView, "get", lambda self, request: None)
    documents._forget()
    with caplog.at_level(logging.WARNING):
        answer = Api().get("/open-api/generate-schema")
    documents._forget()
    assert "/sign-in/email" in answer.json()["paths"]
    assert "OkView.get declares no answers" in caplog.text


def test_the_page_loads_nothing_from_elsewhere(served: None) -> None:
    answer = Api().get("/reference")
    assert answer.status_code == 200
    page = answer.content.decode()
    urls = re.findall(r'(?:src|href|data-document)="([^"]*)"', page)
    assert "http://localhost:3100/api/auth/open-api/generate-schema" in urls
    static = [url for url in urls if url.startswith("/static/")]
    assert len(static) == 4
    for url in static:
        found = finders.find(url.removeprefix("/static/"))
        assert found, url
        assert Path(found).stat().st_size > 0
    assert not re.search(r"<script>|<style|style=|\son\w+=", page)
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self' http://localhost:3100"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "*" not in answer["Content-Security-Policy"]


def test_the_page_can_be_switched_off(served: None, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "OPEN_API": {"REFERENCE": False}}
    answer = Api().get("/reference")
    assert (answer.status_code, answer.content) == (404, b"")
    assert Api().get("/open-api/generate-schema").status_code == 200


def test_without_the_bundle_a_check_says_so(without_bundle: None, settings: Any) -> None:
    assert Api().get("/reference").status_code == 404
    assert [found.id for found in _checks()] == ["jazzauth.W041"]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "OPEN_API": {"REFERENCE": False}}
    assert _checks() == []


def test_without_the_plugin_there_is_neither(
    settings: Any,
    captured_server: None,  # noqa: F811
) -> None:
    install(settings)
    assert Api().get("/open-api/generate-schema").status_code == 404
    assert Api().get("/reference").status_code == 404


def _checks() -> list[Any]:
    return [found for found in run_checks() if str(found.id).startswith("jazzauth.W041")]


def test_the_answer_is_the_document_that_json_knows(served: None) -> None:
    content = Api().get("/open-api/generate-schema").content
    assert json.loads(content)["info"]["title"] == "django_jazzauth"
