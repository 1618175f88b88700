"""``last_login`` at a sign-up: part of the user's first event, not an event of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import update_last_login
from django.contrib.auth.signals import user_logged_in
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone

_UID = "update_last_login"  # under which Django connects its own; a project may disconnect it
_MARK = "jazzauth_last_login_is_written"


def signs_in_at_once(user: Any) -> None:
    """Say of a new user who was not stored yet that they are signed in along with it."""
    user.last_login = timezone.now()
    setattr(user, _MARK, True)


def take_back(user: Any) -> None:
    """Unsay :func:`signs_in_at_once` where no sign-in followed."""
    if user.__dict__.pop(_MARK, False):
        user.last_login = None
        user.save(update_fields=["last_login"])


def write_last_login(sender: Any, user: Any, **kwargs: Any) -> None:
    """What Django does at a sign-in, unless it is that of :func:`signs_in_at_once`."""
    if user.__dict__.pop(_MARK, False):
        return
    update_last_login(sender, user, **kwargs)


def connect() -> None:
    """Take the place of Django's receiver, whichever app is made ready first."""
    user_logged_in.disconnect(dispatch_uid=_UID)
    if not isinstance(getattr(get_user_model(), "last_login", None), DeferredAttribute):
        return  # a project's user has no such field: Django connects nothing either
    user_logged_in.connect(write_last_login, dispatch_uid=_UID)
