"""Sessions that ended while a cache cookie may still vouch for them.

With ``JAZZAUTH["SESSION"]["COOKIE_CACHE"]["REVOKE_AT_ONCE"]`` every ended session and every
deactivated user is remembered in a Django cache until no cookie of theirs can be valid any more.
What is stored are digests. No row says anything about stateless sessions: of those it is also
remembered up to which moment a user's have ended, and with which password they live on.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db.models.signals import post_delete, post_save

from .conf import get_settings
from .conf_groups import CookieCache
from .models import Session

# Longer than the clock difference that any encoding of the cookie puts up with.
_MARGIN = 30


def note_ended_session(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Receiver: a session was deleted."""
    note_session(str(instance.token))


def note_changed_user(
    sender: Any,
    instance: Any,
    *,
    created: bool = False,
    update_fields: frozenset[str] | None = None,
    **kwargs: Any,
) -> None:
    """Receiver: a user was saved."""
    pk = str(instance.pk)
    stateless = _options().STATELESS
    if not getattr(instance, "is_active", True):
        if stateless:
            # Not for good: whoever is active again may sign in again.
            note_sessions_of(pk)
        else:
            _note("user", pk)
    if stateless and not created and (update_fields is None or "password" in update_fields):
        _note("auth", pk, _digest(instance.get_session_auth_hash()))


def note_deleted_user(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Receiver: a user was deleted. Stored sessions go with them; stateless ones end by this."""
    if _options().STATELESS:
        note_sessions_of(str(instance.pk))


def note_session(token: str) -> None:
    """Remember that the session of ``token`` has ended."""
    _note("session", token)


def note_session_of(user_id: str, token: str) -> None:
    """The same, if it is one of this user: of a stateless session nothing else says whose it is."""
    _note("session", f"{user_id}:{token}")


def note_sessions_of(user_id: str, *, but: str | None = None) -> None:
    """Remember that all stateless sessions have ended that a user opened until now.

    Args:
        user_id: whose.
        but: the token of one that has not.
    """
    # In the form in which the cookie has it, so that the two can be compared.
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    _note("all", user_id, (now, None if but is None else _digest(but)))


def is_revoked(token: str, user_id: str, *, opened: str | None = None) -> bool:
    """Whether the session of ``token``, or its user, was ended not long ago.

    One operation of the cache; always ``False`` where the setting is off.

    Args:
        token: of the session.
        user_id: of its user.
        opened: of a stateless session: when, as the cookie says it: ``2026-11-21T01:23:02.213Z``.
    """
    options = _options()
    if not options.REVOKE_AT_ONCE:
        return False
    ended = {_key("session", token), _key("user", user_id)}
    if opened is None:
        return bool(caches[options.CACHE].get_many(ended))
    ended.add(_key("session", f"{user_id}:{token}"))
    before = _key("all", user_id)
    found = caches[options.CACHE].get_many({*ended, before})
    moment, but = found.pop(before, ("", None))
    return bool(found) or (opened < moment and but != _digest(token))


def is_doubtful(user_id: str, auth: str) -> bool:
    """Whether a user may have another password now than a stateless session was opened with.

    Not more than that: what was noted may have been rolled back. One operation of the cache; always
    ``False`` where the setting is off.

    Args:
        user_id: of the user.
        auth: the session's hash of the password.
    """
    options = _options()
    if not options.REVOKE_AT_ONCE:
        return False
    noted = caches[options.CACHE].get(_key("auth", user_id))
    return noted is not None and noted != _digest(auth)


def connect() -> None:
    """Begin to take notes; called once the apps are ready."""
    post_delete.connect(note_ended_session, sender=Session, dispatch_uid="jazzauth.ended")
    users = get_user_model()
    post_save.connect(note_changed_user, sender=users, dispatch_uid="jazzauth.changed")
    post_delete.connect(note_deleted_user, sender=users, dispatch_uid="jazzauth.deleted")


def _options() -> CookieCache:
    return get_settings().SESSION.cookie_cache


def _note(kind: str, text: str, value: Any = 1) -> None:
    options = _options()
    if options.ENABLED and options.REVOKE_AT_ONCE:
        caches[options.CACHE].set(_key(kind, text), value, options.MAX_AGE + _MARGIN)


def _key(kind: str, text: str) -> str:
    return f"jazzauth.ended.{kind}.{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
