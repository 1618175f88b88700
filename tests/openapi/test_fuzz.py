"""Requests made of the OpenAPI document and of what clients should never send.

Whatever comes in, no answer is a fault of ours (5xx), and every answer is one that the document
declares, to the letter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_jazzauth.api.cookies import encode, sign
from django_jazzauth.contrib.open_api.document import api_patterns, generate
from django_jazzauth.models import Session

from ..api.conftest import ORIGIN, SECRET, captured_server  # noqa: F401
from .honesty import Held, honest  # noqa: F401

PASSWORD = "correct-horse-battery"
TOKEN = "abcdefghijklmnopqrstuvwxyzABCDEF"
# Values that lead further into a handler than chance would.
RIGHT: dict[str, list[Any]] = {
    "email": ["alice@example.com", "new@example.com", "ALICE@EXAMPLE.COM"],
    "newEmail": ["new@example.com", "alice@example.com", "bob@example.com"],
    "password": [PASSWORD, "wrong-horse-battery"],
    "currentPassword": [PASSWORD],
    "newPassword": ["another-horse-battery", PASSWORD],
    "name": ["Alice"],
    "username": ["alice", "bob.b", "ALICE"],
    "token": [TOKEN],
    "sessionToken": [TOKEN],
    "provider": ["github", "google"],
    "providerId": ["credential", "github"],
    "callbackURL": ["/dash", "http://localhost:3000/ü", "myapp://x"],
    "redirectTo": ["/dash"],
}
HOSTILE = [
    *("", "\x00", "a\x00b", "\ud800", "\udc00x", "\r\nSet-Cookie: a=b", "٣", "true", "0", "null"),
    *("//evil.example", "/\\evil.example", "/%2fevil.example", "\\\\evil", "javascript:alert(1)"),
    *("http://localhost:3000@evil.example", "http://localhost:3000\\@evil.example", "https:evil"),
    *("http://[::1", "http://a:99999", "myapp:", "data:text/html,x", "/..//evil.example", "?x"),
    *("e" + "\u0327\u0301" * 200, "x" * 300, "x" * 9000, "🜁" * 500, "' OR 1=1 --", "{{7*7}}"),
    *("a.b.c", "eyJhbGciOiJub25lIn0.e30.", f"{'a' * 300}@example.com", "ａlice@example.com"),
    *("00000000-0000-0000-0000-000000000000", "../../etc/passwd", "<script>alert(1)</script>"),
]
texts = st.one_of(
    st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=()), max_size=40)
)
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**64), 10**400, 1e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
BODIES = [
    *(b"", b" ", b"null", b"[]", b"5", b'"text"', b"{", b"{}", b"\xff\xfe", b'{"email":NaN}'),
    *(b'{"email":1,"email":"alice@example.com"}', b'{"a":"\\ud800"}', b"1" * 5000),
    *(b"[" * 100_000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b"\x00", b'{"name":"\x00"}'),
    *(b"email=alice%40example.com&password=%ff", b"email=%00&name=a&name=b", b"=&=&;&%"),
    b"[" * 900 + b"]" * 900,
]
TYPES = [
    *("application/json", "application/json", "application/json; charset=latin-1", ""),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"),
    *("application/json;", "APPLICATION/JSON", "application/xml", "\x00", "a/b/c"),
]
WHO = ["nobody", "nobody", "alice", "alice", "guest", "forged", "bearer", "odd"]


def operations() -> Iterator[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Method, path, members of the body, and parameters of the query."""
    document = generate(api_patterns("tests.api.urls")).content
    for path, item in document["paths"].items():
        for method, operation in item.items():
            contents = operation.get("requestBody", {}).get("content", {}).values()
            members: dict[str, None] = {}
            for content in contents:
                reference = content["schema"].get("$ref", "").rpartition("/")[2]
                shape = document["components"]["schemas"].get(reference, content["schema"])
                members |= dict.fromkeys(shape.get("properties", ()))
            query = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            yield method, path, tuple(members), tuple(query)


@st.composite
def requests(draw: Any, path: str, members: tuple[str, ...], query: tuple[str, ...]) -> Any:
    """Path, query, body and content type."""
    for name in ("provider", "token"):
        path = path.replace(f"{{{name}}}", quote(draw(texts), safe="", errors="surrogatepass"))
    right = draw(st.booleans())

    def value(name: str) -> Any:
        good = RIGHT.get(name)
        return draw(st.sampled_from(good) if good and (right or draw(st.booleans())) else values)

    asked = {name: str(value(name)) for name in query if draw(st.booleans())}
    kind = draw(st.sampled_from(["members", "members", "members", "form", "raw", "any"]))
    if kind == "raw":
        body, content_type = draw(st.sampled_from(BODIES) | st.binary(max_size=40)), ""
        content_type = draw(st.sampled_from(TYPES))
    elif kind == "any":
        body, content_type = json.dumps(draw(values)).encode(), draw(st.sampled_from(TYPES))
    else:
        given = {name: value(name) for name in members if right or draw(st.booleans())}
        given |= draw(st.dictionaries(texts, values, max_size=2))
        body, content_type = json.dumps(given).encode(), "application/json"
        if kind == "form":
            form = {name: str(text) for name, text in given.items()}
            body = urlencode(form, errors="surrogatepass").encode()
            content_type = "application/x-www-form-urlencoded"
    return path, urlencode(asked, errors="surrogatepass"), body, content_type


def credentials(who: str) -> dict[str, str]:
    """The headers of somebody; makes the users and sessions that they need."""
    users: Any = get_user_model()._default_manager
    alice = users.sign_up(email="alice@example.com", name="A", password=PASSWORD, username="alice")
    users.sign_up(email="bob@example.com", name="B", password=PASSWORD)
    guest = users.sign_up(email="g@guest.invalid", name="G", password=None, is_guest=True)
    later = timezone.now() + timedelta(days=3)
    owner = guest if who == "guest" else alice
    Session.objects.create(token=TOKEN, user=owner, expires_at=later)
    name = "better-auth.session_token"
    signed = encode(sign(TOKEN, SECRET))
    several = f"{name}={signed}; {name}_multi-{TOKEN.lower()}={signed}"
    odd = f"{several}; better-auth.session_data=e30; better-auth.session_data.01=x; =; a; \xff=\xff"
    return {
        "nobody": {},
        "alice": {"cookie": several},
        "guest": {"cookie": several},
        "forged": {"cookie": f"{name}={TOKEN}.AAAA"},
        "bearer": {"authorization": f"Bearer {TOKEN}"},
        "odd": {"cookie": odd, "authorization": "Bearer \xff.\xff", "user-agent": "\xff" * 2000},
    }[who]


@pytest.fixture
def everything_on(settings: Any, captured_server: None, honest: Held) -> Held:  # noqa: F811
    settings.JAZZAUTH = {
        **settings.JAZZAUTH,
        "RATE_LIMIT": {"ENABLED": False},
        "MAIL_IN_BACKGROUND": False,
        "SESSION": {"COOKIE_CACHE": {"ENABLED": True}},
        "SOCIAL": {"PROVIDERS": {"github": {"CLIENT_ID": "id", "CLIENT_SECRET": "secret"}}},
    }
    return honest


@pytest.mark.parametrize(
    ("method", "path", "members", "query"),
    list(operations()),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_that_comes_in_is_a_fault(
    everything_on: Held,
    method: str,
    path: str,
    members: tuple[str, ...],
    query: tuple[str, ...],
) -> None:
    @settings(
        max_examples=20,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(requests(path, members, query), st.sampled_from(WHO))
    @example((path, "", b"[" * 100_000, "application/json"), "nobody")
    @example((path, "", b"x" * 3_000_000, "application/json"), "alice")
    def ask(request: Any, who: str) -> None:
        address, asked, body, content_type = request
        with transaction.atomic():
            client = Client(raise_request_exception=False)
            answer = client.generic(
                method.upper(),
                f"/api/auth{address}?{asked}",
                body if method == "post" else b"",
                content_type=content_type,
                headers={"origin": ORIGIN, **credentials(who)},
            )
            transaction.set_rollback(True)
        assert answer.status_code < 500, answer.content
        seen, everything_on.complaints = everything_on.complaints, []
        assert seen == []

    ask()
    assert everything_on.answers
