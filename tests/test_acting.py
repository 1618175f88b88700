"""Who acted: what middleware, endpoints, the admin and commands let events record."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_jazzauth.api.authentication import SessionCookieAuthentication
from django_jazzauth.middleware import ActingMiddleware
from django_jazzauth.models import Session
from django_jazzauth.random_text import random_uuid
from django_jazzauth.request_cause import cause_of, name_actor, request_id
from django_jazzauth.store import acting, store
from django_jazzauth.store.acting import acting_as_told, current_cause, set_process_cause
from tests.testapp.models import Patient, Ward

pytestmark = pytest.mark.django_db

AGENT = "Canary-Browser/1.0"
ADDRESS = "203.0.113.77"
PASSWORD = "correct horse battery"


def make_ward(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(Ward.objects.create(name=uuid.uuid4().hex).pk))


async def make_ward_later(request: HttpRequest) -> HttpResponse:
    ward = await Ward.objects.acreate(name=uuid.uuid4().hex)
    return HttpResponse(str(ward.pk))


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


class WardView(APIView):
    authentication_classes = (SessionCookieAuthentication,)
    permission_classes = ()

    def post(self, request: Request) -> Response:
        return Response(Ward.objects.create(name=uuid.uuid4().hex).pk)


urlpatterns = [
    path("ward", make_ward),
    path("later", make_ward_later),
    path("nothing", nothing),
    path("drf", WardView.as_view()),
    path("api/auth/", include("django_jazzauth.urls")),
]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def ana() -> Any:
    return get_user_model().objects.create_user("ana", "ana@example.org", PASSWORD)


@pytest.fixture
def browser() -> Client:
    return Client(
        headers={"User-Agent": AGENT, "Origin": "http://localhost:3100"}, REMOTE_ADDR=ADDRESS
    )


def cause_of_ward(answer: Any) -> dict[str, Any]:
    return store.history(Ward, pk=int(answer.content))[-1].cause


def test_a_view_that_asks_nobody(browser: Client, ana: Any) -> None:
    cause = cause_of_ward(browser.get("/ward", headers={"X-Request-ID": "edge-17"}))
    where = {"ip_address": ADDRESS, "user_agent": AGENT, "request_id": "edge-17"}
    assert cause == {"via": "web", **where}
    browser.force_login(ana)
    cause = cause_of_ward(browser.get("/ward", headers={"X-Request-ID": "edge-17"}))
    assert cause == {"via": "web", "actor": str(ana.pk), "auth_mode": "session", **where}


def test_who_acts_is_found_out_only_when_something_is_written(browser: Client, ana: Any) -> None:
    browser.force_login(ana)
    with pytest.MonkeyPatch.context() as patch:

        def asked(*args: Any) -> Any:
            raise AssertionError("nothing was written")

        patch.setattr("django_jazzauth.middleware.cause_of", asked)
        assert browser.get("/nothing").status_code == 200
        with pytest.raises(AssertionError, match="nothing was written"):
            browser.get("/ward")


@pytest.mark.django_db(transaction=True)
def test_the_same_under_asgi(ana: Any) -> None:
    async def visit() -> Any:
        client = AsyncClient()
        await sync_to_async(client.force_login)(ana)
        visits = (client.get("/later", headers={"User-Agent": AGENT}) for _ in range(3))
        answers = await asyncio.gather(*visits)
        # The thread that did the queries goes away with the loop, its connection would not.
        await sync_to_async(connections.close_all)()
        return answers

    causes = [cause_of_ward(answer) for answer in asyncio.run(visit())]
    assert {cause["actor"] for cause in causes} == {str(ana.pk)}
    assert {cause["user_agent"] for cause in causes} == {AGENT}
    assert len({cause["request_id"] for cause in causes}) == 3


def test_request_ids_are_random_uuids() -> None:
    made = {uuid.UUID(random_uuid()) for _ in range(1000)}
    assert len(made) == 1000
    assert {(one.version, one.variant) for one in made} == {(4, uuid.RFC_4122)}
    assert all(str(uuid.UUID(text)) == text for text in (random_uuid() for _ in range(100)))


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "ä", "<script>", 'a"b'])
def test_an_odd_request_id_is_replaced(given: str) -> None:
    request = RequestFactory().get("/", headers={"X-Request-ID": given})
    made = request_id(request)
    assert uuid.UUID(made)
    assert request_id(request) == made


def test_settings_leave_out_what_is_personal(browser: Client, settings: Any) -> None:
    record = {"IP_ADDRESS": False, "USER_AGENT": False, "REQUEST_ID_HEADER": None}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RECORD": record}
    cause = cause_of_ward(browser.get("/ward", headers={"X-Request-ID": "edge-17"}))
    assert set(cause) == {"via", "request_id"}
    assert cause["request_id"] != "edge-17"


def test_sign_up_and_sign_in_are_acts_of_the_user_themselves(browser: Client) -> None:
    body = {"email": "bo@example.org", "password": PASSWORD, "name": "Bo"}
    answer = browser.post("/api/auth/sign-up/email", body, "application/json")
    assert answer.status_code == 200
    user = get_user_model().objects.get(email="bo@example.org")
    session = Session.objects.get(user=user)
    for entity in (user, session):
        cause = store.history(entity)[0].cause
        assert (cause["actor"], cause["via"]) == (str(user.pk), "api")
        assert (cause["ip_address"], cause["user_agent"]) == (ADDRESS, AGENT)
    session.delete()
    again = {"email": "bo@example.org", "password": PASSWORD}
    assert browser.post("/api/auth/sign-in/email", again, "application/json").status_code == 200
    session = Session.objects.get(user=user)
    assert store.history(session)[0].actor == str(user.pk)
    changed = browser.post("/api/auth/update-user", {"name": "Bo Fox"}, "application/json")
    assert changed.status_code == 200
    last = store.history(user)[-1]
    assert (last.actor, last.cause["auth_mode"]) == (str(user.pk), "external")
    # The project's own DRF views, with the same cookie.
    answer = browser.post(
        "/drf", {}, "application/json", headers={"Origin": "http://localhost:3100"}
    )
    cause = cause_of_ward(answer)
    assert (cause["actor"], cause["auth_mode"]) == (str(user.pk), "external")
    assert browser.post("/api/auth/sign-out", {}, "application/json").status_code == 200
    assert store.history(Session, pk=session.pk)[-1].actor == str(user.pk)


def test_the_endpoints_need_no_middleware(browser: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "Acting" not in m]
    body = {"email": "bo@example.org", "password": PASSWORD, "name": "Bo"}
    browser.post("/api/auth/sign-up/email", body, "application/json")
    user = get_user_model().objects.get(email="bo@example.org")
    cause = store.history(user)[0].cause
    assert (cause["actor"], cause["ip_address"]) == (str(user.pk), ADDRESS)
    assert cause_of_ward(browser.get("/ward")) == {}


def test_nothing_of_it_is_plain_in_the_database(browser: Client, ana: Any) -> None:
    browser.force_login(ana)
    browser.get("/ward", headers={"X-Request-ID": "canary-request-id"})
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = repr([[bytes(v) if isinstance(v, memoryview) else v for v in r] for r in cursor])
            for canary in (AGENT, ADDRESS, "canary-request-id"):
                assert canary not in rows, table


def test_blocks_nest_and_end() -> None:
    assert current_cause() == {}
    with acting(actor="a", via="task"), acting_as_told(lambda: {"actor": "b", "ip_address": ""}):
        assert current_cause() == {"actor": "b", "via": "task"}
        with acting(actor="c"):
            assert current_cause()["actor"] == "c"
    assert current_cause() == {}


def test_finding_out_who_acts_may_write_itself() -> None:
    def tell() -> dict[str, str]:
        inner.append(Patient.objects.create(record_no=uuid.uuid4().hex[:12]))
        return {"actor": "x"}

    inner: list[Patient] = []
    with acting(via="task"), acting_as_told(tell):
        outer = Patient.objects.create(record_no="outer")
    assert store.history(outer)[0].cause == {"via": "task", "actor": "x"}
    assert [store.history(made)[0].cause for made in inner] == [{"via": "task"}]


def test_the_middleware_says_what_it_is() -> None:
    async def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert asyncio.iscoroutine(running := ActingMiddleware(answer)(RequestFactory().get("/")))
    assert asyncio.run(running).status_code == 200  # type: ignore[arg-type]
    assert isinstance(ActingMiddleware(nothing)(RequestFactory().get("/")), HttpResponse)


def test_commands_of_others_are_named(tmp_path: Path) -> None:
    code = (
        "import sys, json; sys.argv = ['manage.py', 'createsuperuser', '--password', 'secret'];"
        "from django_jazzauth.management.process import process_cause;"
        "print(json.dumps(process_cause()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    cause = json.loads(ran.stdout)
    assert (cause["command"], cause["via"]) == ("createsuperuser", "command")
    assert "secret" not in ran.stdout


def test_what_started_the_server_is_no_cause_of_a_request(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys.modules[set_process_cause.__module__],
        "_process",
        [lambda: {"via": "command", "command": "serve"}],
    )
    assert "command" not in cause_of_ward(browser.get("/ward"))
    assert current_cause() == {"via": "command", "command": "serve"}
    with acting(actor="a"):
        assert current_cause() == {"via": "command", "command": "serve", "actor": "a"}


def test_what_changes_during_a_request_is_recorded_as_it_is_then(settings: Any, ana: Any) -> None:
    request = RequestFactory().get("/", headers={"User-Agent": AGENT}, REMOTE_ADDR=ADDRESS)
    first = cause_of(request)
    assert first == cause_of(request)
    assert (first["ip_address"], first["user_agent"]) == (ADDRESS, AGENT)
    first["ip_address"] = "nobody else's"  # callers may do with it what they like
    assert cause_of(request)["ip_address"] == ADDRESS
    name_actor(request, ana)
    assert cause_of(request)["actor"] == str(ana.pk)
    name_actor(request, 7)
    request.META["REMOTE_ADDR"] = "192.0.2.99"  # as middleware does that reads another header
    request.META["HTTP_USER_AGENT"] = "other"
    request.jazzauth_via = "api"  # type: ignore[attr-defined]
    now = {"ip_address": "192.0.2.99", "user_agent": "other", "via": "api", "actor": "7"}
    assert cause_of(request) == {**first, **now, "auth_mode": "external"}
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RECORD": {"IP_ADDRESS": False}}
    assert "ip_address" not in cause_of(request)
