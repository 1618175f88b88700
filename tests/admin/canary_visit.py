"""A visit to the admin that types marked values everywhere.

As a program it works on a database file of its own, writes down what it typed, and ends without
closing anything, so that journals and temporary files stay as a crash would leave them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.test import Client

MARK = "Kanarienvogel"
PASSWORD = f"{MARK}-passwort-wort"


def visit(client: Client) -> list[str]:
    """Sign in as root, then add, change, search, look at, and delete users and sessions.

    Returns:
        Everything that must be readable nowhere.
    """
    from django.contrib.auth import get_user_model

    from django_jazzauth.models import Account, Session

    users = "/admin/django_jazzauth/user/"
    device = {"REMOTE_ADDR": "203.0.113.77", "HTTP_USER_AGENT": f"{MARK}/7.7"}
    model = get_user_model()

    def ask(method: str, url: str, data: dict[str, Any] | None = None, status: int = 200) -> Any:
        answer = getattr(client, method)(url, data, **device)
        if answer.status_code != status:
            raise AssertionError(f"{method} {url}: {answer.status_code}")
        return answer

    ask("post", "/admin/login/", {"username": "root", "password": PASSWORD, "next": "/"}, 302)
    typed = {
        "username": f"{MARK}-login",
        "email": f"{MARK}@mail.example",
        "name": f"{MARK} Name",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    ask("post", f"{users}add/", typed, 302)
    user = model.objects.get(username=typed["username"])
    change = {
        "username": f"{MARK}-login2",
        "email": f"{MARK}2@mail.example",
        "name": f"{MARK} Name2",
        "first_name": f"{MARK} First",
        "last_name": f"{MARK} Last",
        "image": f"https://{MARK}.example/x.png",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    ask("post", f"{users}{user.pk}/change/", change, 302)
    new = {"usable_password": "true", "password1": f"{PASSWORD}2", "password2": f"{PASSWORD}2"}
    ask("post", f"{users}{user.pk}/password/", new, 302)

    other = Client()
    answer = other.post(
        "/admin/login/?next=/admin/",
        {"username": change["email"], "password": new["password1"]},
        **device,
    )
    if answer.status_code != 302:
        raise AssertionError("the new user cannot sign in")
    session = Session.objects.get(user=user)
    account = Account.objects.create(
        user=user, provider_id="github", account_id=f"{MARK}-4711", access_token=f"{MARK}-token"
    )
    user.refresh_from_db()
    secrets = [MARK, session.token, user.password, device["REMOTE_ADDR"], session.data]

    for query in (f"{MARK}-login2", change["email"], f"scan: {MARK}", "nobody"):
        ask("get", users, {"q": query})
        ask("get", "/admin/django_jazzauth/session/", {"q": query})
    for url in (
        "/admin/",
        f"{users}?o=1",
        f"{users}{user.pk}/change/",
        f"{users}{user.pk}/history/",
        f"/admin/django_jazzauth/session/{session.pk}/history/",
        f"/admin/django_jazzauth/account/{account.pk}/change/",
    ):
        ask("get", url)
    revoke = {"action": "revoke", "_selected_action": [str(session.pk)]}
    ask("post", "/admin/django_jazzauth/session/", revoke, 302)
    ask("get", f"{users}{user.pk}/delete/")
    ask("post", f"{users}{user.pk}/delete/", {"post": "yes"}, 302)
    call_command("jazzauth", "verify")
    return secrets


def main() -> None:
    """Make the database, visit, note down what was typed, and stop dead."""
    logging.basicConfig(level=logging.DEBUG)
    django.setup()
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test.utils import setup_test_environment

    setup_test_environment()
    settings.ROOT_URLCONF = "tests.admin.urls"
    call_command("migrate", run_syncdb=True, verbosity=0)
    get_user_model().objects.create_superuser("root", "root@example.org", PASSWORD)
    Path(sys.argv[1]).write_text(json.dumps(visit(Client())))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
