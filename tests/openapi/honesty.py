"""Holding what the endpoints answer against what they declare.

The fixture :func:`honest` is used by all tests of endpoints: a status, a member, a code or a header
that the OpenAPI document does not know fails the test that saw it.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from jsonschema import Draft202012Validator

from django_jazzauth.api.answers import declared_answers
from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.origin import CALLBACKS
from django_jazzauth.contrib.open_api.document import api_patterns, generate

_EVERYWHERE = {json.dumps(ApiError(403, code).body).encode() for _name, code in CALLBACKS}
HEADERS = ("X-Retry-After", "Location", "Set-Auth-Token", "Set-Auth-Jwt")
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
_documents: dict[Any, dict[str, Any]] = {}


class Held:
    """What was seen."""

    def __init__(self) -> None:
        self.answers = 0
        self.operations: set[str] = set()
        self.complaints: list[str] = []

    def hold(self, view: Endpoint, request: HttpRequest, answer: HttpResponseBase) -> None:
        """Compare one answer with its declaration."""
        method = (request.method or "").lower()
        match = request.resolver_match
        if match is None or match.app_names != ["jazzauth"] or not hasattr(view, method):
            return
        if method in ("head", "options"):
            return
        document = strict_document(settings.ROOT_URLCONF, tuple(settings.INSTALLED_APPS))
        route = "/" + _CONVERTER.sub(r"{\1}", match.route)
        path = max((p for p in document["paths"] if route.endswith(p)), key=len, default=None)
        where = f"{request.method} {route} {answer.status_code}"
        if path is None or method not in document["paths"][path]:
            self.complaints.append(f"{where}: not in the document")
            return
        if declared_answers(view, method) is None:
            self.complaints.append(f"{where}: declares no answers")
            return
        operation = document["paths"][path][method]
        self.answers += 1
        self.operations.add(operation["operationId"])
        for complaint in differences(document, operation, view, method, answer):
            self.complaints.append(f"{where}: {complaint}")


def differences(
    document: dict[str, Any], operation: dict[str, Any], view: Any, method: str, answer: Any
) -> Iterator[str]:
    """What an answer has that its operation does not declare."""
    if answer.status_code == 403 and _content(answer) in _EVERYWHERE:
        return  # the document says this once, for all paths
    declared = operation["responses"].get(str(answer.status_code))
    if declared is None:
        yield f"the status is not declared: {_content(answer)!r}"
        return
    for name in HEADERS:
        if name in answer.headers and name not in declared.get("headers", {}):
            yield f"the header {name} is not declared"
    content = _content(answer)
    if not content:
        answers = declared_answers(view, method)
        assert answers is not None
        if not any(r.status == answer.status_code and not r.shapes for r in answers.replies):
            yield "an empty body is not declared"
        return
    given = "application/json" if hasattr(answer, "data") else answer.headers["Content-Type"]
    media_type = given.split(";")[0]
    if media_type not in declared.get("content", {}):
        yield f"{media_type} is not declared"
    elif media_type == "application/json":
        schema = declared["content"][media_type]["schema"]
        validator = Draft202012Validator({"allOf": [schema], "components": document["components"]})
        for error in validator.iter_errors(json.loads(content)):
            causes = "; ".join(f"{c.json_path} {c.message}" for c in error.context or ())
            yield f"{error.json_path}: {error.message} {causes}"


def strict_document(urlconf: Any, installed: tuple[str, ...]) -> dict[str, Any]:
    """The document of a URLconf, in which no object has members that are not declared."""
    key = urlconf, installed
    if key not in _documents:
        _documents[key] = copy.deepcopy(generate(api_patterns(urlconf)).content)
        _forbid_others(_documents[key])
    return _documents[key]


def _forbid_others(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("type") == "object" and isinstance(node.get("properties"), dict):
            node.setdefault("additionalProperties", False)
        for value in node.values():
            _forbid_others(value)
    elif isinstance(node, list):
        for value in node:
            _forbid_others(value)


def _content(answer: Any) -> bytes:
    if hasattr(answer, "data"):  # DRF's, not rendered yet
        return json.dumps(answer.data).encode()
    return bytes(answer.content)


@pytest.fixture
def honest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Fails the test if an endpoint answers what it does not declare."""
    held = Held()
    dispatch = Endpoint.dispatch

    def watched(self: Endpoint, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        answer = dispatch(self, request, *args, **kwargs)
        held.hold(self, request, answer)
        return answer

    monkeypatch.setattr(Endpoint, "dispatch", watched)
    yield held
    if held.complaints:
        pytest.fail("\n".join(held.complaints))
