"""The system checks: each id, when it is reported and when not."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.signals import request_started
from django.db import connection
from django.test import Client

from django_jazzauth import checks
from django_jazzauth.apps import set_pragmas
from django_jazzauth.errors import ImproperSettings
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import ENV_FILE, ENV_SECRET

INSECURE = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz-0123456789"


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def without_secret(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_SECRET, raising=False)
    monkeypatch.delenv(ENV_FILE, raising=False)
    settings.JAZZAUTH = {}


def test_nothing_is_wrong_with_the_settings_of_the_tests() -> None:
    call_command("check", fail_level="WARNING")


@pytest.mark.parametrize("wrong", [{"WORKER_SECRETS": "x"}, {"SCAN_LIMIT": "many"}, "a text"])
def test_e001_improper_settings_are_reported_once(settings: Any, wrong: Any) -> None:
    settings.JAZZAUTH = wrong
    assert ids(checks.check_settings()) == ["jazzauth.E001"]
    assert checks.check_worker_secret() == []
    with pytest.raises(SystemCheckError, match=r"jazzauth\.E001"):
        call_command("check")


def test_e002_no_worker_secret(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    without_secret(settings, monkeypatch)
    assert ids(checks.check_worker_secret()) == ["jazzauth.E002"]


def test_w005_no_worker_secret_during_development(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_secret(settings, monkeypatch)
    settings.DEBUG = True
    assert ids(checks.check_worker_secret()) == ["jazzauth.W005"]


@pytest.mark.parametrize("debug", [False, True])
def test_e003_insecure_secret_key(settings: Any, debug: bool) -> None:
    settings.SECRET_KEY = INSECURE
    settings.DEBUG = debug
    assert ids(checks.check_secret_key()) == ([] if debug else ["jazzauth.E003"])


@pytest.mark.parametrize("debug", [False, True])
def test_e004_mistyped_worker_secret(settings: Any, debug: bool) -> None:
    text = WorkerSecret.generate().to_text()
    typo = text[:-1] + ("a" if text[-1] != "a" else "b")
    settings.JAZZAUTH = {"WORKER_SECRET": typo}
    settings.DEBUG = debug
    (message,) = checks.check_worker_secret()
    assert message.id == "jazzauth.E004"
    assert typo not in message.msg


@pytest.mark.django_db
def test_e005_a_worker_secret_of_another_database(settings: Any) -> None:
    keyring("default").current()
    assert checks.check_keys(databases=["default"]) == []
    settings.JAZZAUTH = {"WORKER_SECRET": WorkerSecret.generate().to_text()}
    (message,) = checks.check_keys(databases=["default"])
    assert message.id == "jazzauth.E005"
    assert "WRONG_WORKER_SECRET" in message.msg
    assert checks.check_keys(databases=None) == [], "without --database nothing is connected"
    assert checks.check_keys(databases=[]) == []


@pytest.mark.django_db
def test_e005_leaves_other_causes_to_their_own_checks(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring("default").current()
    without_secret(settings, monkeypatch)
    assert checks.check_keys(databases=["default"]) == []


def test_w001_a_plain_user_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.models import Group

    monkeypatch.setattr(checks, "get_user_model", lambda: Group)
    assert ids(checks.check_user_model()) == ["jazzauth.W001"]


def test_an_unknown_user_model_is_left_to_django(settings: Any) -> None:
    settings.AUTH_USER_MODEL = "nothing.There"
    assert checks.check_user_model() == []


def test_w002_sessions_of_another_engine(settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert ids(checks.check_sessions()) == ["jazzauth.W002"]
    settings.MIDDLEWARE = []
    settings.INSTALLED_APPS = ["django.contrib.contenttypes"]
    assert checks.check_sessions() == [], "a project without sessions"


def test_w003_permissions_from_plain_tables(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert ids(checks.check_user_model()) == ["jazzauth.W003"]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="is about SQLite")
def test_w004_transactions_begin_as_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_sqlite() == []
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    assert ids(checks.check_sqlite()) == ["jazzauth.W004"]


@pytest.mark.parametrize("debug", [False, True])
def test_w006_tampered_rows_are_loaded(settings: Any, debug: bool) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TAMPERED": "report"}
    settings.DEBUG = debug
    assert ids(checks.check_settings()) == ([] if debug else ["jazzauth.W006"])
    assert checks.check_worker_secret() == []


def test_every_id_is_listed() -> None:
    source = checks.__doc__ or ""
    for number in range(1, 7):
        assert f"jazzauth.E00{number}" in source
    for number in range(1, 7):
        assert f"jazzauth.W00{number}" in source


def test_a_server_refuses_requests_in_a_state_it_must_not_run_in(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks.refuse_to_serve()
    without_secret(settings, monkeypatch)
    settings.SECRET_KEY = INSECURE
    with pytest.raises(ImproperSettings, match=r"E002.*E003") as raised:
        checks.refuse_to_serve()
    assert isinstance(raised.value, ImproperlyConfigured)
    settings.DEBUG = True
    checks.refuse_to_serve()


def test_the_first_request_is_the_latest_moment(settings: Any) -> None:
    """A process of its own would show it too; here the signal is connected again."""
    from django.apps import apps

    settings.SECRET_KEY = INSECURE
    apps.get_app_config("django_jazzauth").ready()
    try:
        with pytest.raises(ImproperSettings, match="E003"):
            Client().get("/api/auth/ok")
        settings.SECRET_KEY = "another one, which is long enough for Django to be content with"
        assert Client().get("/api/auth/ok").status_code == 200
        settings.SECRET_KEY = INSECURE
        assert Client().get("/api/auth/ok").status_code == 200, "looked at once"
    finally:
        request_started.disconnect(dispatch_uid="jazzauth.first_request")


def pragma(name: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="is about SQLite")
@pytest.mark.django_db(transaction=True)
def test_sqlite_is_made_durable_and_patient(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 1
    assert pragma("wal_autocheckpoint") == 4_000
    assert pragma("cache_size") == -1_000
    assert pragma("busy_timeout") == 30_000, "the timeout of the project's settings"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SQLITE_SYNCHRONOUS": "FULL"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {})
    set_pragmas(sender=None, connection=connection)
    assert pragma("synchronous") == 2
    assert pragma("busy_timeout") == 20_000
    own = {"init_command": "PRAGMA wal_autocheckpoint = 500; PRAGMA cache_size = -4000"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", own)
    with connection.cursor() as cursor:
        for statement in own["init_command"].split(";"):
            cursor.execute(statement)
    set_pragmas(sender=None, connection=connection)
    assert pragma("wal_autocheckpoint") == 500
    assert pragma("cache_size") == -4_000
    connection.close()
