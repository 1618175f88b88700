"""What becomes of request bodies, good and bad."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.api.errors import MESSAGES, ApiError
from django_jazzauth.api.fields import is_email
from django_jazzauth.api.serializers import SignInEmailBody, SignUpEmailBody, validate
from django_jazzauth.api.views.session import SignOutView
from django_jazzauth.api.views.sign_in import SignInEmailView

from .conftest import ORIGIN, Api

CODES = json.loads(
    (Path(__file__).parent.parent / "data" / "better-auth" / "error-codes.json").read_text("utf-8")
)


def post(
    octets: bytes, content_type: str = "application/json", path: str = "/sign-up/email"
) -> Any:
    return Client().generic(
        "POST", f"/api/auth{path}", octets, content_type=content_type, headers={"origin": ORIGIN}
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"{not json",
        b'{"email": NaN}',
        b'{"email": Infinity}',
        b'{"name": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'\xff\xfe{"a": 1}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\x00"}',
        b"[" * 100_000,
        b"1" * 5000,
    ],
)
def test_malformed_json(octets: bytes) -> None:
    answer = post(octets)
    assert answer.status_code == 400
    assert answer.json() == {"message": "Invalid JSON in request body", "code": "BAD_REQUEST"}


@pytest.mark.parametrize(
    ("octets", "received"),
    [(b"", "undefined"), (b"null", "null"), (b"[]", "array"), (b'"x"', "string"), (b"1", "number")],
)
def test_a_body_of_another_type(octets: bytes, received: str) -> None:
    answer = post(octets)
    assert answer.status_code == 400
    assert answer.json() == {
        "message": f"[body] Invalid input: expected object, received {received}; "
        f"[body] Invalid input: expected record, received {received}",
        "code": "VALIDATION_ERROR",
    }


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_other_content_types(kind: str) -> None:
    answer = post(b"{}", kind)
    assert answer.status_code == 415
    complaint = f'Content-Type "{kind}" is not allowed' if kind else "Content-Type is required"
    assert answer.json() == {
        "message": f"{complaint}. Allowed types: application/x-www-form-urlencoded, "
        "application/json",
        "code": "UNSUPPORTED_MEDIA_TYPE",
    }


def test_content_types_are_matched_without_parameters_and_case() -> None:
    answer = post(b"{}", "Application/JSON; charset=utf-8")
    assert answer.json()["code"] == "VALIDATION_ERROR"


def test_forms() -> None:
    good = b"email=form%40example.com&password=correct-horse-battery&name=Form+Bob"
    answer = post(good, "application/x-www-form-urlencoded")
    assert answer.json()["user"]["name"] == "Form Bob"
    answer = post(good + b"&rememberMe=false", "application/x-www-form-urlencoded")
    assert answer.json()["message"] == (
        "[body.rememberMe] Invalid input: expected boolean, received string"
    )
    assert post(b"name=%ff", "application/x-www-form-urlencoded").json()["code"] == "BAD_REQUEST"


def test_a_body_that_is_too_large(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = post(json.dumps({"name": "x" * 200}).encode())
    assert (answer.status_code, answer.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("member", "value", "complaint"),
    [
        ("name", "x" * 256, "Too big: expected string to have <=255 characters"),
        ("password", "", "Too small: expected string to have >=1 characters"),
        ("email", "a@" + "b" * 250 + ".com", "Invalid email address"),
        ("name", "a\x00b", "Invalid string: must not contain NUL"),
        ("image", 5, "Invalid input: expected string, received number"),
        ("image", None, "Invalid input: expected string, received null"),
        ("proofToken", {}, "Invalid input: expected string, received object"),
        ("rememberMe", 1, "Invalid input: expected boolean, received number"),
    ],
)
def test_wrong_members(api: Api, member: str, value: Any, complaint: str) -> None:
    answer = api.sign_up(**{member: value})
    assert answer.status_code == 400
    assert answer.json() == {
        "message": f"[body.{member}] {complaint}",
        "code": "VALIDATION_ERROR",
    }


@pytest.mark.parametrize(
    "email",
    ["a@b.co", "a.b+c-d_e'f@sub.example.com", "UPPER@EXAMPLE.COM", "1@2.example", "_@x.io"],
)
def test_addresses(email: str) -> None:
    assert is_email(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "a",
        "a@b",
        "@b.co",
        ".a@b.co",
        "a.@b.co",
        "a..b@c.co",
        "a@-b.co",
        "a@b..co",
        "a@b.c",
        "a@b.1x",
        "ä@b.co",
        "a@ä.co",
        "a b@c.co",
        "a@b.co\n",
        "a@b.co\x00",
        "a@localhost",
        "a@[127.0.0.1]",
        '"a"@b.co',
    ],
)
def test_not_addresses(email: str) -> None:
    assert not is_email(email)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.sampled_from([SignUpEmailBody, SignInEmailBody]), _JSON)
def test_validation_answers_or_refuses(body_class: Any, data: Any) -> None:
    try:
        validated = validate(body_class, data)
    except ApiError as error:
        assert (error.status_code, error.code) == (400, "VALIDATION_ERROR")
    else:
        assert {type(value) for value in validated.values()} <= {str, bool}


def test_messages_are_those_of_better_auth() -> None:
    ours_alone = {
        "UNAUTHORIZED",
        "BAD_REQUEST",
        "RESET_PASSWORD_DISABLED",
        "PROOF_REQUIRED",
        "PROOF_NOT_SUPPORTED",
        "PROOF_TOO_OLD",
        "PROOF_ALREADY_USED",
        "IDENTITY_ALREADY_REGISTERED",
    }
    assert set(MESSAGES) - set(CODES["core"]) == ours_alone
    for code in set(MESSAGES) - ours_alone:
        assert MESSAGES[code] == CODES["core"][code]


def test_whoever_reads_on_still_finds_the_body() -> None:
    read: list[Any] = []

    class ReadingView(SignInEmailView):
        def post(self, request: Any) -> HttpResponse:
            read.extend((self.body, request.data, request.body))
            return HttpResponse()

    body = {"email": "a@b.co", "password": "x"}
    request = RequestFactory().post("/", body, "application/json", headers={"origin": ORIGIN})
    assert ReadingView.as_view()(request).status_code == 200
    assert read == [body, body, json.dumps(body).encode()]


def test_a_body_that_something_else_has_read() -> None:
    request = RequestFactory().post("/", headers={"origin": ORIGIN})
    request.META.update(CONTENT_TYPE="application/json", CONTENT_LENGTH="")
    request._body = b'{"email": "nobody"}'  # as middleware does that unpacks bodies
    answer = SignInEmailView.as_view()(request)
    assert "body.password" in answer.data["message"]
    assert "body.email" not in answer.data["message"]


def test_a_body_without_a_length_under_asgi() -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"origin", ORIGIN.encode())],
    }
    request = ASGIRequest(scope, BytesIO(b'{"email": "nobody"}'))
    answer = SignInEmailView.as_view()(request)
    assert "body.password" in answer.data["message"]
    assert "body.email" not in answer.data["message"]


@pytest.mark.parametrize("length", ["", "0", None])
def test_nothing_is_read_where_nothing_was_sent(length: str | None) -> None:
    request = RequestFactory().post("/", headers={"origin": ORIGIN})
    request.META["CONTENT_LENGTH"] = length
    answer = SignOutView.as_view()(request)
    assert answer.data == {"success": True}
    assert not request._read_started
