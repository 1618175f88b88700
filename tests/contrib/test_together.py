"""All plugins at once: no conflicts, no queries of their own where a session is shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_jazzauth.api.plugin_checks import check_plugins
from django_jazzauth.api.plugins import installed
from django_jazzauth.models import User
from tests.api.conftest import Api
from tests.api.plugin_setup import install

ROOT = Path(__file__).parents[2]
NAMES = (
    *("bearer", "jwt", "username", "anonymous"),
    *("one-time-token", "last-login-method", "multi-session"),
    "open-api",
)


def test_they_are_installed_and_agree() -> None:
    assert tuple(plugin.name for plugin in installed().plugins) == NAMES
    assert check_plugins() == []


def test_showing_a_session_costs_no_query_more(api: Api, settings: Any) -> None:
    api.sign_up(username="alice")
    # Not jwt: a key that the test has not committed is read anew each time.
    contrib = [app for app in settings.INSTALLED_APPS if app.startswith("django_jazzauth.contrib.")]
    counts = []
    for apps in ([app for app in contrib if not app.endswith(".jwt")], []):
        install(settings, *apps)
        with CaptureQueriesContext(connection) as queries:
            assert api.get("/get-session").json()["user"]["name"] == "Alice"
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_plugins_survive_a_sealed_row(api: Api) -> None:
    api.sign_up(username="Alice")
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM jazzauth_user")
        assert "Alice" not in repr(cursor.fetchall())
    assert User.objects.get().display_username == "Alice"


_SETTINGS = """
from tests.settings import *

AUTH_USER_MODEL = "members.Member"
INSTALLED_APPS = ["members" if app == "tests.testapp" else app for app in INSTALLED_APPS]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "members.sqlite3",
    "OPTIONS": {"transaction_mode": "IMMEDIATE"}}}
ROOT_URLCONF = "tests.api.urls"
"""
_MODELS = """
from django.db import models
from django_jazzauth.models import AbstractUser
from django_jazzauth.sealed import HeadField, SealedCharField

class Member(AbstractUser):
    head = HeadField(entity="member")
    badge = SealedCharField(max_length=20, blank=True)
"""
_SCRIPT = """
import json
import django
django.setup()
from django.core.management import call_command
call_command("makemigrations", "members", verbosity=0)
call_command("migrate", verbosity=0)
call_command("check")
from django.test import Client
from members.models import Member

def post(path, body=None):
    return client.post("/api/auth" + path, body or {}, content_type="application/json",
        headers={"origin": "http://localhost:3100"})

client = Client()
guest = post("/sign-in/anonymous").json()["user"]
member = post("/sign-up/email", {"email": "m@example.com", "password": "correct-horse-battery",
    "name": "M", "username": "The_Member"}).json()["user"]
token = client.get("/api/auth/one-time-token/generate").json()["token"]
client = Client()
handed_on = post("/one-time-token/verify", {"token": token}).json()["user"]
client = Client()
signed_in = post("/sign-in/username", {"username": "the_member",
    "password": "correct-horse-battery"}).json()["user"]
print(json.dumps([guest["isAnonymous"], member["displayUsername"], handed_on == member,
    signed_in == member, Member.objects.count()]))
"""


_NUMBERED = "id = models.AutoField(primary_key=True)"
_NUMBERED_SETTINGS = """
JAZZAUTH = JAZZAUTH | {"APP_ID": "clinic"}
"""
_NUMBERED_SCRIPT = """
from django.conf import settings
from django.test import override_settings
from django_jazzauth.identity import mint_proof
from django_jazzauth.store import store

created = store.history(Member, pk=int(member["id"]))[0]
client = Client()
proven = post("/sign-up/email", {"email": "p@example.com", "password": "correct-horse-battery",
    "name": "P", "proofToken": mint_proof(bytes(32), "clinic")})
with override_settings(JAZZAUTH=settings.JAZZAUTH | {"EMAIL_VERIFICATION": {"REQUIRED": True}}):
    answers = [post("/sign-up/email", {"email": email, "password": "correct-horse-battery",
        "name": "N"}).json()["user"]["id"] for email in ("m@example.com", "n@example.com")]
print(json.dumps([guest["id"], member["id"], created.actor, proven.status_code,
    proven.json()["code"], answers]))
"""


def test_a_user_model_of_the_project(tmp_path: Path) -> None:
    printed = run(tmp_path, _MODELS, _SETTINGS, _SCRIPT)
    assert printed == [True, "The_Member", True, True, 1]


def test_a_user_model_whose_keys_are_numbers(tmp_path: Path) -> None:
    """As after a move from ``auth.User``; such a key cannot hold the id of an identity."""
    models = _MODELS.replace("badge =", f"{_NUMBERED}\n    badge =")
    settings = _SETTINGS + _NUMBERED_SETTINGS
    guest, member, actor, status, code, answers = run(
        tmp_path, models, settings, _SCRIPT + _NUMBERED_SCRIPT
    )
    assert (guest, member, actor) == ("1", "2", "2")
    assert (status, code) == (400, "PROOF_NOT_SUPPORTED")
    # The answer for an address that is taken looks like that for a new one.
    assert [answer.isdigit() for answer in answers] == [True, True]


def run(tmp_path: Path, models: str, settings: str, script: str) -> Any:
    """What ``script`` prints last, as JSON, in a project with ``models`` and ``settings``."""
    (tmp_path / "members" / "migrations").mkdir(parents=True)
    (tmp_path / "members" / "__init__.py").touch()
    (tmp_path / "members" / "migrations" / "__init__.py").touch()
    (tmp_path / "members" / "models.py").write_text(models)
    (tmp_path / "members_settings.py").write_text(settings)
    (tmp_path / "script.py").write_text(script)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "members_settings",
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
