"""The test outbox: every mail and message as JSON, for checks from outside.

On with ``JAZZAUTH["TEST_OUTBOX"]`` and ``DEBUG`` only. What it holds is sealed in the event store
like any other verification, so that all processes of a server see it and a dump does not.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings

from ..conf import get_settings
from ..models import Verification

_IDENTIFIER = "test-outbox"
_LIFETIME = timedelta(days=1)


def is_open() -> bool:
    """Whether there is an outbox at all."""
    return bool(django_settings.DEBUG and get_settings().TEST_OUTBOX)


def capture(
    *,
    to: str,
    kind: str,
    url: str | None = None,
    token: str | None = None,
    otp: str | None = None,
    subject: str | None = None,
    body: str | None = None,
) -> None:
    """Remember a message, where there is an outbox.

    Args:
        to: address or telephone number.
        kind: what it is about.
        url: the link in it.
        token: the token in it.
        otp: the code in it.
        subject: as sent.
        body: its text.
    """
    if not is_open():
        return
    entry = {"to": to, "kind": kind, "url": url, "token": token, "otp": otp}
    text = json.dumps(entry | {"subject": subject, "body": body})
    Verification.objects.issue(_IDENTIFIER, text, lifetime=_LIFETIME)


def entries() -> list[dict[str, Any]]:
    """Everything captured, oldest first."""
    rows = Verification.objects.filter(identifier=_IDENTIFIER).order_by("created_at", "pk")
    return [json.loads(row.value) for row in rows]
