"""Requests of the API pass by the middleware that is for pages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import get_script_prefix, include, path, set_script_prefix
from django.utils import timezone, translation

from django_jazzauth.api.middleware import ApiMiddleware
from django_jazzauth.api.views.status import OkView
from django_jazzauth.store import store

from .conftest import Api

HERE = __name__
seen: list[str] = []


def watching(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware for pages, that notes what it sees."""

    def watch(request: HttpRequest) -> HttpResponse:
        seen.append(request.path)
        return get_response(request)

    return watch


def elsewhere(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware that activates a language and a time zone, and leaves them."""

    def activate(request: HttpRequest) -> HttpResponse:
        translation.activate("de")
        timezone.activate("Asia/Tokyo")
        return get_response(request)

    return activate


def page(request: HttpRequest, **kwargs: str) -> HttpResponse:
    return HttpResponse("a page")


urlpatterns = [
    path("api/auth/page", page),
    path("api/auth/", include("django_jazzauth.urls")),
    path("elsewhere", page),
]


@pytest.fixture(autouse=True)
def installed(settings: Any) -> None:
    seen.clear()
    settings.ROOT_URLCONF = HERE
    settings.MIDDLEWARE = [
        "django_jazzauth.api.middleware.ApiMiddleware",
        f"{HERE}.watching",
        *settings.MIDDLEWARE,
    ]


def test_a_session_from_its_beginning_to_its_end(api: Api) -> None:
    assert api.sign_up().status_code == 200
    assert api.get("/get-session").json()["user"]["email"] == "alice@example.com"
    assert api.post("/sign-out").json() == {"success": True}
    assert api.get("/get-session").json() is None
    assert seen == []


def test_the_answer_is_the_same_as_past_all_middleware(api: Api, settings: Any) -> None:
    api.sign_up()
    short = api.get("/get-session")
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    long = Api()
    long.client.cookies = api.client.cookies
    usual = long.get("/get-session")
    assert seen == ["/api/auth/get-session"]
    assert short.json() == usual.json()
    assert dict(short.headers) == dict(usual.headers)
    assert short.headers["Content-Length"] == str(len(short.content))


def test_paths_with_a_parameter_are_found_and_not_remembered(api: Api) -> None:
    for token in ("one", "two"):
        answer = api.get(f"/reset-password/{token}?callbackURL=/")
        assert answer.status_code == 302
        assert answer["Location"].endswith("error=INVALID_TOKEN")
    assert seen == []


@pytest.mark.parametrize(
    ("there", "status"),
    [("/elsewhere", 200), ("/api/auth/page", 200), ("/api/auth/nothing", 404), ("/nowhere", 404)],
)
def test_other_paths_take_the_usual_way(there: str, status: int) -> None:
    assert Client().get(there).status_code == status
    assert seen == [there]


def test_other_methods_are_refused_as_ever(api: Api) -> None:
    assert api.client.delete("/api/auth/get-session").status_code == 404
    assert api.client.head("/api/auth/ok").status_code == 404


def test_a_site_without_the_api_is_left_alone(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.no_urls"
    assert Client().get("/api/auth/ok").status_code == 404
    assert seen == ["/api/auth/ok"]


def test_a_site_below_a_path() -> None:
    def never(request: HttpRequest) -> HttpResponse:
        raise AssertionError("handed on")

    before = get_script_prefix()
    set_script_prefix("/site/")
    try:
        request = RequestFactory().get("/api/auth/ok", SCRIPT_NAME="/site")
        request.path = "/site/api/auth/ok"
        answer: Any = ApiMiddleware(never)(request)
    finally:
        set_script_prefix(before)
    assert answer.status_code == 200


def test_a_urlconf_of_the_request_counts() -> None:
    request = RequestFactory().get("/api/auth/ok")
    request.urlconf = "tests.api.no_urls"  # type: ignore[attr-defined]
    answer: Any = ApiMiddleware(lambda request: HttpResponse(status=418))(request)
    assert answer.status_code == 418


@pytest.mark.parametrize("short", [True, False])
def test_who_is_signed_in_to_django_does_not_act_for_others(
    api: Api, settings: Any, short: bool
) -> None:
    if not short:
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    admin = get_user_model().objects.create_superuser("root", "root@example.org", "a password")
    api.client.force_login(admin)
    assert api.sign_up().status_code == 200
    made = get_user_model().objects.get(email="alice@example.com")
    assert store.history(made)[0].actor == str(made.pk)


def test_an_endpoint_that_fails_is_a_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(OkView, "get", fail)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/auth/ok")
    assert answer.status_code == 500
    assert b"broken" not in answer.content


def test_hosts_that_are_not_allowed_are_refused(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["good.example"]
    there = "/api/auth/ok"
    assert Client().get(there, headers={"host": "good.example"}).status_code == 200
    assert Client().get(there, headers={"host": "evil.example"}).status_code == 400


def status(host: str, **headers: str) -> int:
    answer = Client().get("/api/auth/ok", headers={"host": host, **headers})
    return int(answer.status_code)


def test_a_host_that_was_let_in_is_let_in_by_the_setting_as_it_is(settings: Any) -> None:
    good, evil = "good.example", "evil.example"
    for hosts in ([good, evil], (good, evil), ["*"]):
        settings.ALLOWED_HOSTS = hosts
        assert [status(good), status(good), status(evil)] == [200, 200, 200]
        settings.ALLOWED_HOSTS = [good]
        assert [status(good), status(evil), status(evil)] == [200, 400, 400]
    settings.ALLOWED_HOSTS = hosts = [good, evil]
    assert status(evil) == 200
    hosts.remove(evil)  # nobody is told of it
    assert status(evil) == 400
    settings.USE_X_FORWARDED_HOST = True
    assert status(good, **{"x-forwarded-host": evil}) == 400
    assert status(evil, **{"x-forwarded-host": good}) == 200
    settings.ALLOWED_HOSTS, settings.DEBUG = [], True
    assert [status("localhost"), status("localhost"), status(good)] == [200, 200, 400]
    settings.DEBUG = False
    assert status("localhost") == 400


def test_a_list_of_hosts_that_looks_up_what_is_allowed(settings: Any) -> None:
    tenants = {"shop.example.org"}

    class Tenants(list[str]):
        def __iter__(self) -> Any:
            return iter(tenants)

        def __bool__(self) -> bool:
            return True

    settings.ALLOWED_HOSTS = Tenants()
    assert status("shop.example.org") == 200
    tenants.clear()
    assert status("shop.example.org") == 400


def test_a_set_of_hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = {"shop.example.org"}
    assert status("shop.example.org") == 200
    assert status("elsewhere.example.org") == 400


@pytest.mark.parametrize("host", ["a" * 300 + ".example", "good.example" + "x" * 300])
def test_hosts_that_are_too_long_to_remember(settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = [host]
    for _ in range(2):
        assert Client().get("/api/auth/ok", headers={"host": host}).status_code == 200


def test_what_a_page_activates_is_gone_when_the_api_is_asked(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[str | None, str]] = []
    get = OkView.get

    @wraps(get)
    def look(self: OkView, request: Any) -> Any:
        found.append((translation.get_language(), timezone.get_current_timezone_name()))
        return get(self, request)

    monkeypatch.setattr(OkView, "get", look)
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], f"{HERE}.elsewhere", *settings.MIDDLEWARE[1:]]
    client = Client()
    client.get("/api/auth/ok")
    assert client.get("/elsewhere").status_code == 200
    client.get("/api/auth/ok")
    assert found == [found[0]] * 2
    assert found[0] != ("de", "Asia/Tokyo")


def test_one_after_another_under_asgi(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> list[int]:
        client = AsyncClient()
        answers = [await client.get("/api/auth/ok"), await client.get("/elsewhere")]
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [200, 200]
    assert seen == ["/elsewhere"]


def test_under_asgi_nothing_is_adapted() -> None:
    async def inner(request: HttpRequest) -> HttpResponse:
        return HttpResponse("inner")

    async def ask() -> list[bytes]:
        middleware = ApiMiddleware(inner)
        asked = [RequestFactory().get(there) for there in ("/api/auth/ok", "/elsewhere")]
        return [(await middleware(request)).content for request in asked]  # type: ignore[misc]

    assert asyncio.iscoroutinefunction(inner)
    assert asyncio.run(ask()) == [b'{"ok":true}', b"inner"]
