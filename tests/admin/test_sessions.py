"""Sessions in the admin, and the read-only lists of accounts and verifications."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.test import Client
from django.utils import timezone

from django_jazzauth.models import Account, Session, Verification
from django_jazzauth.store import store

from .conftest import PASSWORD, told

pytestmark = pytest.mark.django_db

SESSIONS = "/admin/django_jazzauth/session/"


@pytest.fixture
def browser(ana: Any) -> Client:
    """Where ana is signed in."""
    client = Client(headers={"user-agent": "Testfox/1.0"})
    assert client.login(username="ana", password=PASSWORD)
    return client


def own(page: Client) -> Session:
    return Session.objects.get(token=page.session.session_key)


def shown(answer: Any) -> set[Any]:
    return {session.pk for session in answer.context["cl"].result_list}


def test_sessions_are_listed_with_whose_they_are(page: Client, browser: Client, ana: Any) -> None:
    Session.objects.create(expires_at=timezone.now() - datetime.timedelta(days=1))
    answer = page.get(SESSIONS)
    assert len(shown(answer)) == 3
    text = answer.content.decode()
    assert text.count('alt="True"') == 3  # two live ones, and this one
    assert ">ana<" in text
    assert len(shown(page.get(f"{SESSIONS}?state=live"))) == 2
    assert len(shown(page.get(f"{SESSIONS}?state=expired"))) == 1


def test_sessions_are_found_by_their_user(page: Client, browser: Client, ana: Any) -> None:
    (session,) = Session.objects.filter(user=ana)
    for typed in ("ANA@example.org", "ana", str(ana.pk), str(session.pk)):
        assert shown(page.get(SESSIONS, {"q": typed})) == {session.pk}
    for typed in (session.token, "nobody@example.org"):
        assert shown(page.get(SESSIONS, {"q": typed})) == set()
    assert shown(page.get(SESSIONS, {"q": f"scan: {session.token}"})) == set()


def test_a_session_is_revoked(page: Client, browser: Client, ana: Any, root: Any) -> None:
    (session,) = Session.objects.filter(user=ana)
    answer = page.post(
        SESSIONS, {"action": "revoke", "_selected_action": [str(session.pk)]}, follow=True
    )
    assert "1 session revoked" in told(answer)
    assert not Session.objects.filter(pk=session.pk).exists()
    last = store.history(Session, pk=session.pk)[-1]
    assert (last.type, last.actor) == ("deleted", str(root.pk))
    assert LogEntry.objects.get(action_flag=DELETION).object_repr == f"session {session.pk}"
    assert "_auth_user_id" not in browser.session


def test_the_session_in_use_is_left_alone(page: Client, browser: Client) -> None:
    mine = own(page)
    everyone = [str(pk) for pk in Session.objects.values_list("pk", flat=True)]
    answer = page.post(SESSIONS, {"action": "revoke", "_selected_action": everyone}, follow=True)
    assert "left alone" in told(answer)
    assert list(Session.objects.all()) == [mine]
    answer = page.post(f"{SESSIONS}{mine.pk}/delete/", {"post": "yes"}, follow=True)
    assert "left alone" in told(answer)
    assert Session.objects.count() == 1


def test_another_session_is_deleted_on_its_page(page: Client, browser: Client, ana: Any) -> None:
    (session,) = Session.objects.filter(user=ana)
    assert page.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Session.objects.filter(pk=session.pk).exists()


def test_sessions_are_neither_made_nor_changed(page: Client, browser: Client, ana: Any) -> None:
    (session,) = Session.objects.filter(user=ana)
    assert page.get(f"{SESSIONS}add/").status_code == 403
    url = f"{SESSIONS}{session.pk}/change/"
    answer = page.get(url)
    assert "_save" not in answer.content.decode()
    assert page.post(url, {"expires_at_0": "2030-01-01"}).status_code == 403


def test_accounts_are_shown_without_tokens(page: Client, ana: Any) -> None:
    account = Account.objects.create(
        user=ana,
        provider_id="github",
        account_id="4711",
        access_token="access-canary",
        refresh_token="refresh-canary",
        id_token="id-canary",
        scope="read:user",
    )
    url = "/admin/django_jazzauth/account/"
    assert [a.pk for a in page.get(url, {"q": "4711"}).context["cl"].result_list] == [account.pk]
    account.access_token = "second-canary"
    account.save()
    for one in (url, f"{url}{account.pk}/change/", f"{url}{account.pk}/history/"):
        text = page.get(one).content.decode()
        assert "canary" not in text
    assert page.get(f"{url}add/").status_code == 403
    assert page.post(f"{url}{account.pk}/change/", {"scope": "x"}).status_code == 403


def test_verifications_are_shown_without_what_they_are_for(page: Client) -> None:
    Verification.objects.issue(
        "reset-password:canary", "canary-value", lifetime=datetime.timedelta(hours=1)
    )
    (verification,) = Verification.objects.all()
    url = "/admin/django_jazzauth/verification/"
    for one in (
        url,
        f"{url}{verification.pk}/change/",
        f"{url}{verification.pk}/history/",
        f"{url}{verification.pk}/delete/",
    ):
        answer = page.get(one)
        assert answer.status_code == 200
        assert "canary" not in answer.content.decode()
    assert page.get(f"{url}add/").status_code == 403
