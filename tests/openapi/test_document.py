"""The OpenAPI document: valid, complete, derived from what validates, with Better Auth's names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLResolver, path
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from rest_framework.request import Request
from rest_framework.response import Response

import django_jazzauth
from django_jazzauth.api.answers import NOTHING_HERE, answers, declared_answers
from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.errors import MESSAGES
from django_jazzauth.api.fields import EmailField
from django_jazzauth.api.payloads import StatusPayload
from django_jazzauth.api.proofs import REFUSED_PROOF
from django_jazzauth.api.serializers import Body
from django_jazzauth.api.social.providers import ProviderUnavailable
from django_jazzauth.contrib.open_api.document import api_patterns, generate
from django_jazzauth.contrib.open_api.schema import error_shape
from django_jazzauth.errors import ValueNotStorable
from django_jazzauth.identity import InvalidProof

PACKAGE = Path(django_jazzauth.__file__).parent
OPERATIONS = Path(__file__).parent.parent / "data" / "better-auth" / "operations.json"
ERROR_CODES = OPERATIONS.with_name("error-codes.json")
# They are there to refuse, until a plugin makes something of them.
REFUSE_ALWAYS = {"updateSession", "getSessionPost"}
# Not written as ``ApiError(status, "CODE")``.
OTHERS = {
    *(ValueNotStorable.code, ProviderUnavailable.code),
    *("FAILED_TO_GET_ACCESS_TOKEN", "FAILED_TO_REFRESH_ACCESS_TOKEN"),
    *("LINKING_NOT_ALLOWED", "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED"),
}
# For calls from Python, and for views of a project that derive from ours.
NOT_OF_ENDPOINTS = {"PASSWORD_ALREADY_SET", "FORBIDDEN", "NOT_FOUND"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = generate(api_patterns("tests.api.urls"))
    assert made.complaints == ()
    return made.content


def routes(patterns: Any, prefix: str = "/") -> Iterator[tuple[str, type[Endpoint], str]]:
    """Path, class and method of every endpoint."""
    for pattern in patterns:
        template = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, template)
            continue
        cls = getattr(pattern.callback, "cls", None)
        if cls is not None:
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(cls, method):
                    yield template, cls, method


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.1"
    validate(document)


def test_every_endpoint_has_request_response_and_error_schemas(document: dict[str, Any]) -> None:
    seen = 0
    for template, cls, method in routes(api_patterns("tests.api.urls")):
        where = f"{method} {template}"
        operation = document["paths"][template][method]
        declared = declared_answers(cls, method)
        assert declared is not None, where
        seen += 1
        assert operation["summary"], where
        parameters = {(p["in"], p["name"]) for p in operation.get("parameters", ())}
        for name in re.findall(r"{(\w+)}", template):
            assert ("path", name) in parameters, where
        for query in (cls.query_class, declared.query):
            for name in query().fields if query else ():
                assert ("query", name) in parameters, where
        if method == "post" and cls.body_class is not None:
            body = operation["requestBody"]
            assert body["required"] is not cls.body_class.optional, where
            assert body["content"]["application/json"]["schema"], where
        else:
            assert ("requestBody" in operation) == (declared.form is not None), where
        responses = operation["responses"]
        good = [r for status, r in responses.items() if status < "400"]
        assert bool(good) == (operation["operationId"] not in REFUSE_ALWAYS), where
        refused = {status for status in responses if status >= "400"}
        assert "429" in refused, where
        for status in refused:
            if status == "404" and "content" not in responses[status]:
                assert NOTHING_HERE in declared.replies, where
                continue
            shape = responses[status]["content"]["application/json"]["schema"]
            assert "message" in shape["required"], where
        if declared.session in ("required", "fresh"):
            codes = responses["401"]["content"]["application/json"]["schema"]["properties"]["code"]
            assert "UNAUTHORIZED" in codes["enum"], where
            assert operation["security"] == [{"apiKeyCookie": []}, {"bearerAuth": []}], where
    assert seen == len(operations(document)) >= 36


def test_an_endpoint_without_a_declaration_is_noticed() -> None:
    class SilentView(Endpoint):
        """Says nothing."""

        def get(self, request: Request) -> Response:
            """Nothing."""
            return Response({})

    made = generate([path("silent", SilentView.as_view())])
    assert len(made.complaints) == 1
    assert "SilentView.get declares no answers" in made.complaints[0]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]
    assert len(names) == len(set(names))


def test_operations_have_better_auths_names(document: dict[str, Any]) -> None:
    theirs = json.loads(OPERATIONS.read_text())
    same = 0
    for template, item in document["paths"].items():
        for method, operation in item.items():
            name = theirs.get(template, {}).get(method)
            assert name in (None, operation["operationId"]), template
            same += name is not None
    assert same >= 20


def test_older_paths_are_deprecated(document: dict[str, Any]) -> None:
    older = document["paths"]["/forget-password"]["post"]
    assert older["deprecated"] is True
    assert older["operationId"] == "forgetPassword"
    assert "deprecated" not in document["paths"]["/request-password-reset"]["post"]


def body_classes() -> list[type[Body]]:
    found = {cls.body_class for _path, cls, _method in routes(api_patterns("tests.api.urls"))}
    return sorted((body for body in found if body is not None), key=lambda body: body.__name__)


@pytest.mark.parametrize("body_class", body_classes(), ids=lambda body: body.__name__)
def test_bodies_are_described_by_what_validates_them(
    body_class: type[Body], document: dict[str, Any]
) -> None:
    schemas = document["components"]["schemas"]
    fields = body_class().fields
    schema = schemas.get(body_class.__name__, {"type": "object"})
    described = Draft202012Validator({**schema, "components": document["components"]})
    whole = {
        name: "a@example.com" if isinstance(field, EmailField) else "text"
        for name, field in fields.items()
        if field.required
    }
    for name in fields:
        without = {n: value for n, value in whole.items() if n != name}
        bodies = [without]
        for value in (None, True, 5, [], ["a"], [5], {}, {"a": "b"}, {"token": "t"}, {"token": 5}):
            bodies.append({**whole, name: value})
        if not isinstance(fields[name], EmailField):  # the format is a hint in JSON Schema
            texts = ("", "a", "a" * 100, "a" * 101, "a" * 255, "a" * 256, "a" * 8192, "a" * 8193)
            bodies += [{**whole, name: text} for text in texts]
        for body in bodies:
            assert described.is_valid(body) == body_class(data=body).is_valid(), body


def test_the_codes_are_those_that_the_code_answers_with(document: dict[str, Any]) -> None:
    declared = {
        code
        for operation in operations(document)
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for code in content["schema"].get("properties", {}).get("code", {}).get("enum", ())
    }
    raised = set(_raised(PACKAGE / "api"))
    assert "PASSWORD_TOO_SHORT" in raised
    assert raised - declared - NOT_OF_ENDPOINTS == set()
    theirs = set(re.findall(r'"([A-Z][A-Z_]+[A-Z])"', ERROR_CODES.read_text()))
    known = raised | theirs | set(MESSAGES) | set(REFUSED_PROOF) | OTHERS
    assert declared - known == set()


def test_the_codes_of_proofs_are_those_of_the_verifier() -> None:
    described = re.findall(r"``([a-z0-9-]+)``", (InvalidProof.__doc__ or "").partition("Args")[0])
    failures = {name for name in described if name not in ("code", "message")}
    assert len(failures) == 25
    wire = {f"PROOF_{name.upper().replace('-', '_')}" for name in failures}
    others = {"PROOF_REQUIRED", "PROOF_NOT_SUPPORTED", "PROOF_TOO_OLD", "PROOF_ALREADY_USED"}
    assert set(REFUSED_PROOF) == wire | others


def test_refusals_without_a_code_need_none() -> None:
    assert error_shape([None]) == {
        "type": "object",
        "properties": {"message": {"type": "string"}},
        "required": ["message"],
    }
    assert error_shape(["B", None, "A"])["required"] == ["message"]
    assert error_shape(["B", "A"])["properties"]["code"]["enum"] == ["A", "B"]


def test_handlers_keep_their_ways() -> None:
    class DeclaredView(Endpoint):
        @answers(StatusPayload, errors={400: ("ODD",)}, session="required")
        def post(self, request: Request) -> Response:
            return Response({"status": True})

    declared = declared_answers(DeclaredView, "POST")
    assert declared is not None
    assert declared.errors == {400: ("ODD",)}
    assert declared_answers(DeclaredView, "GET") is None


def _raised(folder: Path) -> Iterator[str]:
    """The literal codes of every ``ApiError(status, code)`` in the sources."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and len(node.args) > 1:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                code = getattr(node.args[1], "value", None)
                if name == "ApiError" and isinstance(code, str):
                    yield code
