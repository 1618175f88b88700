"""Somebody signed in to the admin, and users to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client

PASSWORD = "correct horse battery"


@pytest.fixture
def root(db: None) -> Any:
    """A superuser."""
    return get_user_model().objects.create_superuser("root", "root@example.org", PASSWORD)


@pytest.fixture
def page(root: Any, settings: Any) -> Client:
    """A browser in which root has signed in through the admin's own form."""
    settings.ROOT_URLCONF = "tests.admin.urls"
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": "root", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"
    return client


@pytest.fixture
def ana(db: None) -> Any:
    """A user."""
    return get_user_model().objects.create_user(
        "ana", "Ana@Example.org", PASSWORD, name="Ana Meier"
    )


@pytest.fixture
def overwrite() -> Callable[..., None]:
    """Change a column by SQL, past the application."""

    def run(instance: Any, **columns: Any) -> None:
        quote = connection.ops.quote_name
        meta = instance._meta
        sets = ", ".join(f"{quote(name)} = %s" for name in columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {quote(meta.db_table)} SET {sets} WHERE {quote(meta.pk.column)} = %s",
                [*columns.values(), meta.pk.get_db_prep_value(instance.pk, connection)],
            )
            assert cursor.rowcount == 1

    return run


def told(answer: HttpResponse) -> str:
    """Every message on the page."""
    request = answer.wsgi_request  # type: ignore[attr-defined]
    context = getattr(answer, "context", None)
    found = list(context["messages"]) if context and "messages" in context else []
    return "\n".join(str(message) for message in found or get_messages(request))


def usernames(answer: HttpResponse) -> list[str]:
    """The users that a list shows, in order."""
    return [user.username for user in answer.context["cl"].result_list]  # type: ignore[attr-defined]
