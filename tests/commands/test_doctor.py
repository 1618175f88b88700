"""``jazzauth doctor``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import django
import pytest
from django.db import connection

from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.store.models import Event

from .conftest import Ran, Run, sql

pytestmark = pytest.mark.django_db


def finding(ran: Ran, subject: str) -> dict[str, str]:
    for one in json.loads(ran.out)["findings"]:
        if one["subject"] == subject:
            return dict(one)
    raise AssertionError(f"{subject} is not in {ran.out}")


def test_a_sound_system(jazzauth: Run, ana: Any) -> None:
    ran = jazzauth("doctor")
    assert not ran.failed, ran.out
    assert "0 wrong" in ran.out
    for shown in (
        f"Django {django.__version__}",
        "OpenSSL",
        "cryptography",
        "msgspec",
        worker_secret().worker_id,
        "epoch 1 is in use",
        "2 events",
        f"user/{ana.pk}@2 opens",
        connection.display_name,
    ):
        assert shown in ran.out


def test_nothing_secret_is_printed(jazzauth: Run, ana: Any) -> None:
    for ran in (jazzauth("doctor"), jazzauth("doctor", "--json")):
        assert worker_secret().to_text() not in ran.out
        assert "ana" not in ran.out.replace("manage", "")


def test_as_json(jazzauth: Run, ana: Any) -> None:
    ran = jazzauth("doctor", "--json")
    report = json.loads(ran.out)
    assert report["ok"] is True
    assert {one["level"] for one in report["findings"]} <= {"ok", "warning"}
    assert finding(ran, "log.events")["detail"].startswith("2 events")


def test_an_empty_database_is_looked_at_and_left_empty(jazzauth: Run) -> None:
    ran = jazzauth("doctor", "--json")
    assert "first write makes it" in finding(ran, "keys.epoch")["detail"]
    assert "empty" in finding(ran, "log.events")["detail"]
    assert jazzauth("doctor", "--json").out == ran.out


def test_nothing_is_found_twice(jazzauth: Run, settings: Any, ana: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TAMPERED": "report"}
    found = [one["subject"] for one in json.loads(jazzauth("doctor", "--json").out)["findings"]]
    assert {"settings.backend", "settings.sessions", "settings.tampered"} <= set(found)
    assert not [subject for subject in found if subject.startswith("checks.jazzauth.W00")]


def test_a_wrong_setting(jazzauth: Run, settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "SCAN_LIMT": 3}
    ran = jazzauth("doctor", "--json")
    assert ran.status == 1
    found = finding(ran, "settings.jazzauth")
    assert found["level"] == "error"
    assert "SCAN_LIMIT" in found["detail"]
    assert found["mend"]


def test_no_worker_secret(jazzauth: Run, settings: Any, ana: Any) -> None:
    settings.JAZZAUTH = {k: v for k, v in settings.JAZZAUTH.items() if k != "WORKER_SECRET"}
    ran = jazzauth("doctor", "--json")
    assert ran.status == 1
    assert "no worker secret" in finding(ran, "keys.secret")["detail"]


def test_a_strangers_worker_secret(jazzauth: Run, settings: Any, ana: Any) -> None:
    stranger = WorkerSecret.generate()
    settings.JAZZAUTH = {**settings.JAZZAUTH, "WORKER_SECRET": stranger.to_text()}
    ran = jazzauth("doctor", "--json")
    assert ran.status == 1
    found = finding(ran, "keys.epoch")
    assert "WRONG_WORKER_SECRET" in found["detail"]
    assert stranger.worker_id in found["detail"]


def test_a_worker_without_its_anchor(jazzauth: Run, settings: Any, ana: Any) -> None:
    assert finding(jazzauth("doctor", "--json"), "keys.anchor")["level"] == "ok"
    Worker.objects.update(anchor=None)
    keyring("default").forget()
    found = finding(jazzauth("doctor", "--json"), "keys.epoch")
    assert found["level"] == "error" and "[NOT_ANCHORED]" in found["detail"]
    assert "worker trust" in found["mend"]
    settings.JAZZAUTH = {**settings.JAZZAUTH, "KEY_PROVIDER": "tests.keys.unsealing.UnsealOnly"}
    assert finding(jazzauth("doctor", "--json"), "checks.jazzauth.W010")["level"] == "warning"


def test_a_secret_file_that_others_can_read(
    jazzauth: Run, settings: Any, tmp_path: Path, ana: Any
) -> None:
    path = tmp_path / "worker"
    path.write_text(worker_secret().to_text())
    path.chmod(0o644)
    rest = {k: v for k, v in settings.JAZZAUTH.items() if k != "WORKER_SECRET"}
    settings.JAZZAUTH = {**rest, "WORKER_SECRET_FILE": str(path)}
    found = finding(jazzauth("doctor", "--json"), "keys.file")
    assert found["level"] == "warning"
    assert "chmod 600" in found["mend"]
    path.chmod(0o600)
    assert finding(jazzauth("doctor", "--json"), "keys.file")["level"] == "ok"


def test_a_clock_behind_the_log(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_event SET recorded_at = recorded_at + 7200000000")
    ran = jazzauth("doctor", "--json")
    assert ran.status == 1
    assert "ahead of this machine's clock" in finding(ran, "log.clock")["detail"]
    assert "SEAL_BROKEN" in finding(ran, "log.newest")["detail"]


def test_an_event_of_a_model_that_is_gone(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_event SET stream = %s WHERE version = 2", "elephant/1")
    assert Event.objects.order_by("-position")[0].stream == "elephant/1"
    found = finding(jazzauth("doctor", "--json"), "log.entity")
    assert found["level"] == "error"
    assert "elephant/1" in found["detail"]


def test_other_engines_for_users_and_sessions(jazzauth: Run, settings: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.DEBUG = True
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TAMPERED": "report"}
    ran = jazzauth("doctor", "--json")
    for subject in (
        "settings.sessions",
        "settings.backend",
        "settings.debug",
        "settings.tampered",
    ):
        found = finding(ran, subject)
        assert found["level"] == "warning"
        assert found["mend"]


def test_a_project_whose_checks_stop(jazzauth: Run, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.nowhere"
    ran = jazzauth("doctor", "--json")
    assert ran.status == 1
    assert "tests.nowhere" in finding(ran, "checks")["detail"]


def test_durability_is_looked_at(jazzauth: Run) -> None:
    subject = "database.pragmas" if connection.vendor == "sqlite" else "database.durability"
    assert "=" in finding(jazzauth("doctor", "--json"), subject)["detail"]


def test_a_database_that_is_not_in_the_settings(jazzauth: Run) -> None:
    ran = jazzauth("doctor", "--database", "elsewhere")
    assert "no database 'elsewhere'" in ran.failed
    assert "default" in ran.failed


def test_a_key_provider_that_cannot_be_asked_is_a_finding(
    jazzauth: Run, ana: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "hvs.token")
    monkeypatch.setattr("django_jazzauth.keys.vault._PAUSES", ())
    others = {key: value for key, value in settings.JAZZAUTH.items() if key != "WORKER_SECRET"}
    settings.JAZZAUTH = {
        **others,
        "KEY_PROVIDER": "django_jazzauth.keys.providers.VaultTransitKeyProvider",
        "KEY_PROVIDER_OPTIONS": {
            "url": "http://127.0.0.1:9",  # nobody listens there
            "key": "k",
            "ciphertext": "vault:v1:x",
        },
    }
    ran = jazzauth("doctor")
    assert ran.status == 1
    assert "[KEY_PROVIDER_FAILED]" in ran.out and "hvs.token" not in ran.out + ran.err


def test_a_secret_that_is_overruled_is_named(
    jazzauth: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "keys.sources" not in jazzauth("doctor", "--json").out
    other = WorkerSecret.generate().to_text()
    monkeypatch.setenv("JAZZAUTH_WORKER_SECRET", other)
    ran = jazzauth("doctor", "--json")
    found = finding(ran, "keys.sources")
    assert found["level"] == "warning"
    assert "environment variable JAZZAUTH_WORKER_SECRET" in found["detail"]
    assert other not in ran.out
