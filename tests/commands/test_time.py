"""``jazzauth history``, ``as-of`` and ``restore``."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone

from django_jazzauth.models import Account, Session
from django_jazzauth.store import acting, store
from tests.testapp.models import Ward

from .conftest import Run, sql

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("how", ["ana", "ANA@example.ORG", "id", "hex", "stream"])
def test_an_entity_is_found_by(jazzauth: Run, ana: Any, how: str) -> None:
    names = {"id": str(ana.pk), "hex": ana.pk.hex, "stream": f"user/{ana.pk}"}
    ran = jazzauth("history", names.get(how, how))
    assert not ran.failed
    assert ran.out.splitlines()[0] == f"user/{ana.pk}"


def test_the_timeline(jazzauth: Run, ana: Any, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    root = get_user_model().objects.create_superuser("root", "root@example.org", "pw")
    with acting(actor=str(root.pk), via="admin"):
        ana.email = "fox@example.org"
        ana.set_password("other")
        ana.groups.add(Group.objects.create(name="editors"))
        ana.save()
    lines = jazzauth("history", "ana").out.splitlines()
    starts = [line for line in lines if " version " in line]
    assert [line.split("version ")[1].split()[:2] for line in starts] == [
        ["1", "created"],
        ["2", "updated"],
        ["3", "updated"],
        ["4", "updated"],
    ]
    assert starts[3].endswith("by root  (admin)")
    assert "JST" in starts[0]
    text = "\n".join(lines)
    assert "    name: Ana Meier  →  Ana Fox" in lines
    assert "    email: Ana@example.org  →  fox@example.org" in lines
    assert "    groups: editors" in lines
    assert text.count("password: (changed; never shown)") == 2
    assert ana.password not in text


def test_secrets_of_sessions_stay_hidden(jazzauth: Run, ana: Any) -> None:
    session = Session.objects.create(
        user=ana,
        data="canary-data",
        expires_at=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1),
    )
    now = timezone.now().isoformat()
    for command in (("history", f"session/{session.pk}"), ("as-of", str(session.pk), now)):
        ran = jazzauth(*command)
        assert not ran.failed
        assert session.token not in ran.out
        assert "canary" not in ran.out
        assert "never shown" in ran.out


def test_values_cannot_drive_the_terminal(jazzauth: Run, ana: Any) -> None:
    ana.name = "\x1b[2Jgone\nforged line"
    ana.save()
    ran = jazzauth("history", "ana")
    assert "\x1b" not in ran.out
    assert "\\x1b[2Jgone\\nforged line" in ran.out


def test_long_values_are_cut(jazzauth: Run, ana: Any) -> None:
    ana.image = "x" * 5000
    ana.save()
    assert "x" * 200 + "…" in jazzauth("history", "ana").out


@pytest.mark.parametrize(
    "what",
    ["nobody", "nobody@example.org", "0b7c2c1e-0000-4000-8000-000000000000", "user/x", "a/b"],
)
def test_who_is_unknown_is_told(jazzauth: Run, ana: Any, what: str) -> None:
    ran = jazzauth("history", what)
    assert ran.status == 1
    assert ran.failed


def test_a_deleted_user_is_found_by_key(jazzauth: Run, ana: Any) -> None:
    pk = ana.pk
    ana.delete()
    assert "deleted" in jazzauth("history", str(pk)).out
    assert "Nothing is known" in jazzauth("history", "ana").failed


def test_what_can_mean_two_things_is_refused(jazzauth: Run, ana: Any) -> None:
    twin = get_user_model().objects.create_user("ana@example.org")
    ran = jazzauth("history", "ana@example.org")
    assert f"user/{ana.pk}" in ran.failed
    assert f"user/{twin.pk}" in ran.failed
    account = Account.objects.create(id=ana.pk, user=ana, provider_id="x", account_id="y")
    ran = jazzauth("history", str(account.pk))
    assert f"account/{ana.pk}" in ran.failed
    assert f"user/{ana.pk}" in ran.failed


def test_the_history_of_a_broken_row_can_be_read(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_user SET is_staff = %s", True)
    assert "Ana Fox" in jazzauth("history", "ana").out


def test_a_broken_event_is_a_coded_error(jazzauth: Run, ana: Any) -> None:
    sql("UPDATE jazzauth_event SET type = 'restored' WHERE version = 2")
    ran = jazzauth("history", "ana")
    assert ran.status == 1
    assert "[SEAL_BROKEN]" in ran.failed


def test_as_of(jazzauth: Run, ana: Any) -> None:
    first, second = store.history(ana)
    between = first.recorded_at + (second.recorded_at - first.recorded_at) / 2
    out = jazzauth("as-of", "ana", between.isoformat()).out
    assert "name: Ana Meier" in out
    assert "password: (never shown)" in out
    assert "head" not in out
    assert "name: Ana Fox" in jazzauth("as-of", "ana", timezone.now().isoformat()).out
    assert "still to come" in jazzauth("as-of", "ana", "2999-12-31").failed


@pytest.mark.parametrize("when", ["1999-01-01", "1999-01-01 05:06", "1999-01-01T05:06:07+02:00"])
def test_before_there_was_anything(jazzauth: Run, ana: Any, when: str) -> None:
    ran = jazzauth("as-of", "ana", when)
    assert ran.status == 1
    assert "[NEVER_EXISTED]" in ran.failed


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "2026-02-30T00:00", ""])
def test_a_time_that_is_none(jazzauth: Run, ana: Any, when: str) -> None:
    assert "is no time" in jazzauth("as-of", "ana", when).failed


@pytest.mark.parametrize("model", ["user", "django_jazzauth.User", "USER"])
def test_restore(jazzauth: Run, ana: Any, model: str) -> None:
    pk = ana.pk
    ana.delete()
    ran = jazzauth("restore", model, str(pk))
    assert f"user/{pk} is back, as version 4." in ran.out
    again = get_user_model().objects.get(username="ana")
    assert again.name == "Ana Fox"
    last = store.history(again)[-1]
    assert last.type == "restored"
    assert last.cause["via"] == "command"
    assert last.cause["command"] == "jazzauth restore"
    assert "(command jazzauth restore)" in jazzauth("history", "ana").out
    assert store.verify().ok


def test_restore_of_an_integer_key(jazzauth: Run) -> None:
    ward = Ward.objects.create(name="North")
    pk = ward.pk
    ward.delete()
    assert "is back" in jazzauth("restore", "ward", str(pk)).out
    assert Ward.objects.get(pk=pk).name == "North"


def test_restore_is_refused(jazzauth: Run, ana: Any) -> None:
    assert "[NOT_DELETED]" in jazzauth("restore", "user", str(ana.pk)).failed
    assert "[NEVER_EXISTED]" in jazzauth("restore", "user", str(uuid.uuid4())).failed
    assert "no primary key" in jazzauth("restore", "user", "x").failed
    ran = jazzauth("restore", "elephant", "1")
    assert "elephant" in ran.failed
    assert "user" in ran.failed


def test_restore_of_a_name_that_was_taken_meanwhile(jazzauth: Run, ana: Any) -> None:
    pk = ana.pk
    ana.delete()
    get_user_model().objects.create_user("ana")
    ran = jazzauth("restore", "user", str(pk))
    assert "must be unique" in ran.failed
    assert not get_user_model().objects.filter(pk=pk).exists()
    assert store.history(get_user_model(), pk=pk)[-1].type == "deleted"


def test_compacted_sessions(jazzauth: Run, settings: Any) -> None:
    from django.utils import timezone

    from django_jazzauth.models import Session

    made = Session.objects.create(expires_at=timezone.now())
    key = made.pk
    made.delete()
    assert "RETENTION" in jazzauth("compact").out
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RETENTION": {"session": 0}}
    assert (
        "session: 2 payloads of 1 streams would be dropped" in jazzauth("compact", "--dry-run").out
    )
    assert "session: 2 payloads of 1 streams dropped" in jazzauth("compact", terminal=True).out
    out = jazzauth("history", f"session/{key}").out
    assert "compacted: the time for which its past is kept is over" in out
    assert "[PAYLOAD_COMPACTED]" in jazzauth("restore", "session", str(key)).failed
    assert not jazzauth("verify").failed


def test_restore_names_what_came_back_along(jazzauth: Run, ana: Any) -> None:
    account = Account.objects.create(user=ana, provider_id="google", account_id="g-1")
    pk, key = ana.pk, account.pk
    ana.delete()
    out = jazzauth("restore", "user", str(pk)).out
    assert f"    with it: account/{key}" in out.splitlines()
    assert "still deleted" not in out


def test_the_timeline_says_from_where(jazzauth: Run, ana: Any) -> None:
    with acting(via="api", ip_address="203.0.113.7", user_agent="Fire\x1b[2Jfox", request_id="r-1"):
        ana.name = "Ana Owl"
        ana.save()
    lines = jazzauth("history", "ana").out.splitlines()
    assert "    from 203.0.113.7 · Fire\\x1b[2Jfox · request r-1" in lines
