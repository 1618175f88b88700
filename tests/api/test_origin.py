"""Who may call, and where to people may be sent."""

from __future__ import annotations

from typing import Any

import pytest

from django_jazzauth.api.origin import is_trusted, origin_of

from .conftest import Api

TRUSTED = (
    "http://localhost:3100",
    "https://*.trusted.example",
    "*.hosts.example",
    "https://exact.example:8443",
    "myapp://",
    "other://callback",
    "third://host/path",
)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTPS://Example.ORG:443/a?b#c", "https://example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://example.org:8080/x", "http://example.org:8080"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("https://user@example.org", None),
        ("https://good.example\\@evil.example", None),
        ("https://good.example\t.evil.example", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://example.org:99999", None),
        ("https://[broken", None),
        ("null", None),
        ("", None),
    ],
)
def test_origin_of(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3100",
        "http://LOCALHOST:3100/page?x=1",
        "https://app.trusted.example/x",
        "https://a.b.trusted.example",
        "https://one.hosts.example/",
        "http://one.hosts.example",
        "https://exact.example:8443/",
        "myapp://anything/at/all",
        "MyApp://x",
        "other://callback",
        "other://callback/deeper?x",
        "third://host/path/below",
        "third://host/path#x",
    ],
)
def test_trusted(url: str) -> None:
    assert is_trusted(url, TRUSTED)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:3101",
        "https://localhost:3100",
        "http://localhost:3100.evil.example",
        "https://trusted.example",
        "http://app.trusted.example",
        "https://app.trusted.example.evil.example",
        "https://evil.example/.trusted.example",
        "https://evil.example?.trusted.example",
        "https://evil.example#.trusted.example",
        "https://evil.example\\.trusted.example",
        "https://x@app.trusted.example",
        "https://exact.example",
        "myapp",
        "myapp2://x",
        "other://callback.evil.example",
        "other://callback:80",
        "third://host/other",
        "third://host/path/../other",
        "third://host/path/%2e%2e/other",
        "third://host/pathology",
        "javascript:alert(1)",
        "data:text/html,x",
        "/relative",
        "",
    ],
)
def test_not_trusted(url: str) -> None:
    assert not is_trusted(url, TRUSTED)


@pytest.mark.parametrize("path", ["/", "/welcome", "/a/b-c.d+e@f?x=1&y=%20", "/a?callback=/b"])
def test_paths_on_this_site(path: str) -> None:
    assert is_trusted(path, (), allow_paths=True)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/%2fevil.example",
        "/%5Cevil",
        "/a b",
        "/a\n",
        "/ä",
        "a",
    ],
)
def test_paths_that_lead_elsewhere(path: str) -> None:
    assert not is_trusted(path, (), allow_paths=True)


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("callbackURL", "INVALID_CALLBACK_URL"),
        ("redirectTo", "INVALID_REDIRECT_URL"),
        ("errorCallbackURL", "INVALID_ERROR_CALLBACK_URL"),
        ("newUserCallbackURL", "INVALID_NEW_USER_CALLBACK_URL"),
    ],
)
def test_every_member_that_redirects_is_checked(api: Api, member: str, code: str) -> None:
    answer = api.sign_up(**{member: "https://evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    odd: dict[str, Any] = {member: ["/x"]}
    answer = api.sign_up(**odd)
    assert answer.status_code == 400
    assert "code" not in answer.json()
    assert api.get(f"/ok?{member}=https://evil.example").json()["code"] == code


def test_cookies_need_a_trusted_origin(api: Api) -> None:
    api.sign_up()
    for headers, code in (
        ({"origin": "https://evil.example"}, "INVALID_ORIGIN"),
        ({"origin": "null"}, "MISSING_OR_NULL_ORIGIN"),
        ({"origin": ""}, "MISSING_OR_NULL_ORIGIN"),
        ({"origin": "", "referer": "https://evil.example/x"}, "INVALID_ORIGIN"),
    ):
        answer = api.post("/sign-out", **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert api.get("/get-session", origin="https://evil.example").json() is not None
    assert api.post("/sign-out", origin="", referer="http://localhost:3100/p").status_code == 200


def test_a_bearer_token_without_cookies_needs_no_origin(api: Api) -> None:
    token = api.sign_up().json()["token"]
    other = Api(origin="https://evil.example")
    answer = other.post("/sign-out", authorization=f"Bearer {token}")
    assert answer.json() == {"success": True}
    assert api.get("/get-session").json() is None


def test_sign_in_from_elsewhere_is_refused_without_cookies_too(api: Api) -> None:
    for headers, code in (
        ({"origin": "https://evil.example"}, "INVALID_ORIGIN"),
        ({"origin": "", "referer": "https://evil.example"}, "INVALID_ORIGIN"),
        ({"origin": "", "sec_fetch_mode": "cors"}, "MISSING_OR_NULL_ORIGIN"),
        (
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
            "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED",
        ),
    ):
        body = {"email": "alice@example.com", "password": "correct-horse-battery"}
        answer = api.post("/sign-in/email", body, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert Api(origin=None).sign_up().status_code == 200


def test_without_a_base_url_the_request_tells_the_origin(settings: Any) -> None:
    settings.JAZZAUTH = {k: v for k, v in settings.JAZZAUTH.items() if k != "BASE_URL"}
    api = Api(origin="http://testserver")
    assert api.sign_up().status_code == 200
    assert api.post("/sign-out").status_code == 200
    assert Api(origin="http://localhost:3100").sign_up("b@example.com").status_code == 403


def test_the_log_tells_the_developer_what_to_set(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"email": "a@example.org", "password": "a long password"}
    refused = api.post("/sign-in/email", body, origin="https://other.example\t\r")
    assert refused.json() == {"message": "Invalid origin", "code": "INVALID_ORIGIN"}
    (record,) = [one for one in caplog.records if one.name == "django_jazzauth.api"]
    said = record.getMessage()
    assert "'https://other.example" in said
    assert not set("\t\r\n") & set(said)
    assert 'JAZZAUTH["TRUSTED_ORIGINS"]' in said
    caplog.clear()
    body = {"email": "a@example.org", "callbackURL": "https://other.example/?token=hidden"}
    assert api.post("/sign-in/email", body).status_code == 403
    assert "https://other.example'" in caplog.text
    assert "hidden" not in caplog.text


def test_what_is_remembered_of_an_origin_is_for_these_settings(api: Api, settings: Any) -> None:
    before = settings.JAZZAUTH
    api.origin, api.client.cookies["a"] = "https://late.example", "b"
    for trusted, status in (([], 403), (["https://late.example"], 200), ([], 403)):
        settings.JAZZAUTH = {**before, "TRUSTED_ORIGINS": trusted}
        for _ in range(2):
            assert api.post("/sign-out").status_code == status
