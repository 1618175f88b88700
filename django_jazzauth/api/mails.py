"""Sending mails through Django's mail backend.

The texts are templates, ``django_jazzauth/email/<kind>.subject.txt`` and ``<kind>.txt``, which a
project overrides by templates of the same name; ``<kind>.html`` is added where it has one.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import connections
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string

from ..conf import get_settings
from . import outbox

VERIFY_EMAIL = "verify-email"
CONFIRM_CHANGE = "change-email-confirm"
RESET_PASSWORD = "reset-password"  # noqa: S105, the name of a template
DELETE_ACCOUNT = "delete-account"

_FOLDER = "django_jazzauth/email"
_log = logging.getLogger("django_jazzauth.mail")


def send(
    kind: str,
    to: str,
    *,
    url: str,
    token: str,
    seconds: int,
    to_nobody: bool = False,
    **context: Any,
) -> None:
    """Write and send one mail.

    By default another thread hands it over, so that the time of the answer does not tell whether
    there was somebody to write to. A mail that cannot be sent is logged without its address, and
    the answer is the same: otherwise it would tell that, too.

    Args:
        kind: which; the name of its templates.
        to: address.
        url: the link that it is about.
        token: the token in it.
        seconds: for how long the link works.
        to_nobody: do all the work but send nothing: nobody here has that address, and the time of
            the answer must not tell.
        context: more values for the templates.
    """
    settings = get_settings()
    values = {"app_name": settings.APP_NAME, "url": url, "minutes": seconds // 60, **context}
    subject = " ".join(render_to_string(f"{_FOLDER}/{kind}.subject.txt", values).split())
    body = render_to_string(f"{_FOLDER}/{kind}.txt", values)
    mail = EmailMultiAlternatives(subject, body, to=[to])
    with suppress(TemplateDoesNotExist):
        mail.attach_alternative(render_to_string(f"{_FOLDER}/{kind}.html", values), "text/html")
    if to_nobody:
        if settings.MAIL_IN_BACKGROUND:
            _pool().submit(mail.message)
        return
    outbox.capture(to=to, kind=kind, url=url, token=token, subject=subject, body=body)
    if settings.MAIL_IN_BACKGROUND:
        _pool().submit(_deliver_apart, mail, kind)
    else:
        _deliver(mail, kind)


def _deliver(mail: EmailMultiAlternatives, kind: str) -> None:
    try:
        mail.send()
    except Exception as error:  # whatever the backend of the project raises
        # Not the error itself: a mail server's words name the address.
        _log.error("A mail (%s) could not be sent: %s", kind, type(error).__name__)


def _deliver_apart(mail: EmailMultiAlternatives, kind: str) -> None:
    try:
        _deliver(mail, kind)
    finally:
        connections.close_all()  # a backend may have used the database


@lru_cache(maxsize=1)
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="jazzauth-mail")
