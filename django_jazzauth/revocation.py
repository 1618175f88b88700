"""Sessions that ended while a cache cookie may still vouch for them.

With ``JAZZAUTH["SESSION"]["COOKIE_CACHE"]["REVOKE_AT_ONCE"]`` every ended session and every
deactivated user is remembered in a Django cache until no cookie of theirs can be valid any more.
What is stored are digests.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db.models.signals import post_delete, post_save

from .conf import get_settings
from .conf_groups import CookieCacheSettings
from .models import Session

# Longer than the clock difference that any encoding of the cookie puts up with.
_MARGIN = 30


def note_ended_session(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Receiver: a session was deleted."""
    _note("session", str(instance.token))


def note_deactivated_user(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Receiver: a user was saved."""
    if not instance.is_active:
        _note("user", str(instance.pk))


def is_revoked(token: str, user_id: str) -> bool:
    """Whether the session of ``token``, or its user, was ended not long ago.

    One operation of the cache; always ``False`` where the setting is off.
    """
    options = _options()
    if not options.REVOKE_AT_ONCE:
        return False
    keys = [_key("session", token), _key("user", user_id)]
    return bool(caches[options.CACHE].get_many(keys))


def connect() -> None:
    """Begin to take notes; called once the apps are ready."""
    post_delete.connect(note_ended_session, sender=Session, dispatch_uid="jazzauth.ended")
    users = get_user_model()
    if hasattr(users, "is_active"):
        post_save.connect(note_deactivated_user, sender=users, dispatch_uid="jazzauth.deactivated")


def _options() -> CookieCacheSettings:
    return get_settings().SESSION.COOKIE_CACHE


def _note(kind: str, text: str) -> None:
    options = _options()
    if options.ENABLED and options.REVOKE_AT_ONCE:
        caches[options.CACHE].set(_key(kind, text), 1, options.MAX_AGE + _MARGIN)


def _key(kind: str, text: str) -> str:
    return f"jazzauth.ended.{kind}.{hashlib.sha256(text.encode()).hexdigest()}"
