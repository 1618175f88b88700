"""Which key signs now, which keys are published, and when a new one is made.

Each process keeps the key set for half a minute, so that neither signing nor ``/jwks`` costs a
query. Only committed rows are kept: what a transaction reads is remembered when it commits, so
nothing outlives a rollback. A successor is published long before it signs, so a process or a
verifier with a slightly older set never meets an unknown key; only where nobody signed during
that time is a new key used at once, as Better Auth does.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, router, transaction
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils import timezone

from ..conf import get_settings
from .algorithms import generate_jwk, load_jwk, public_part
from .models import SigningKey

CACHE_SECONDS = 30.0
PUBLISH_AHEAD = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedKey:
    """A stored key, ready to use; equal to none but itself. Not shown in full by ``repr``."""

    kid: str
    algorithm: str
    public_jwk: dict[str, Any]
    private_key: Any
    created_at: datetime
    active_from: datetime
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"<LoadedKey {self.algorithm} {self.kid}>"

    def signs_at(self, moment: datetime) -> bool:
        """Whether the key may sign at ``moment``."""
        return self.active_from <= moment and (self.expires_at is None or moment < self.expires_at)

    def published_at(self, moment: datetime, grace: timedelta) -> bool:
        """Whether the key is in the published set at ``moment``."""
        return self.expires_at is None or moment < self.expires_at + grace


_cache: dict[str, tuple[float, tuple[LoadedKey, ...]]] = {}


def forget(*args: Any, using: str | None = None, **kwargs: Any) -> None:
    """Drop what this process remembers, of one database or of all; also a signal receiver."""
    if using is None:
        _cache.clear()
    else:
        _cache.pop(using, None)


def _forget_on_commit(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    forget(using=using)
    transaction.on_commit(lambda: forget(using=using), using=using)


post_save.connect(_forget_on_commit, sender=SigningKey, dispatch_uid="jazzauth.keys.saved")
post_delete.connect(_forget_on_commit, sender=SigningKey, dispatch_uid="jazzauth.keys.deleted")
# ``flush`` empties the table without a word, but sends this signal afterwards.
post_migrate.connect(forget, dispatch_uid="jazzauth.keys.flushed")


def all_keys(using: str | None = None) -> tuple[LoadedKey, ...]:
    """Every stored key, oldest first.

    Args:
        using: database alias; the one that SigningKey is written to by default.
    """
    alias = using or router.db_for_write(SigningKey)
    read_at, keys = _cache.get(alias, (float("-inf"), ()))
    if time.monotonic() - read_at < CACHE_SECONDS:
        return keys
    read_at = time.monotonic()
    rows = SigningKey.objects.using(alias).order_by("created_at", "pk")
    keys = tuple(_load(row) for row in rows)
    remembered = (read_at, keys)
    transaction.on_commit(lambda: _cache.__setitem__(alias, remembered), using=alias)
    return keys


def signing_key(using: str | None = None) -> LoadedKey:
    """The key that signs now; the first is made at the first use, successors in time.

    Where several may sign, all processes take the same one: the oldest.
    """
    now = timezone.now()
    keys = _candidates(now, using)
    if not keys:
        make_key(using=using, now=now)
        keys = _candidates(now, using)
    current = keys[0]
    ends = current.expires_at
    if ends is not None and now >= ends - _ahead() and not _has_successor(current, using):
        make_key(using=using, now=now, active_from=ends)
    return current


def published_keys(using: str | None = None) -> tuple[LoadedKey, ...]:
    """The keys of the published set, oldest first; never empty, a first key is made for it."""
    signing_key(using)
    now = timezone.now()
    options = get_settings().JWT
    # At least until the last token that it signed has ended.
    grace = timedelta(seconds=max(options.GRACE_PERIOD, options.LIFETIME))
    return tuple(key for key in all_keys(using) if key.published_at(now, grace))


def make_key(
    *, using: str | None = None, now: datetime | None = None, active_from: datetime | None = None
) -> SigningKey:
    """Make and store a key of the configured algorithm.

    Args:
        using: database alias.
        now: when it is made; the clock by default.
        active_from: when it begins to sign; at once by default.
    """
    options = get_settings().JWT
    now = now or timezone.now()
    active_from = active_from or now
    interval = options.ROTATION_INTERVAL
    private_jwk = generate_jwk(options.ALGORITHM)
    key: SigningKey = SigningKey.objects.using(using or router.db_for_write(SigningKey)).create(
        algorithm=options.ALGORITHM,
        public_jwk=public_part(options.ALGORITHM, private_jwk),
        private_jwk=private_jwk,
        created_at=now,
        active_from=active_from,
        expires_at=None if interval is None else active_from + timedelta(seconds=interval),
    )
    return key


def rotate(*, using: str | None = None, at_once: bool = False) -> SigningKey:
    """Let a new key take over from the present one.

    Args:
        using: database alias.
        at_once: from now on, for a key that may be known to others; by default after
            :data:`PUBLISH_AHEAD`, so that verifiers have the new key before they meet it.
    """
    alias = using or router.db_for_write(SigningKey)
    now = timezone.now()
    takes_over = now if at_once else now + PUBLISH_AHEAD
    with transaction.atomic(using=alias):
        for key in SigningKey.objects.using(alias).order_by("created_at"):
            if key.expires_at is None or key.expires_at > takes_over:
                key.expires_at = takes_over
                key.save(update_fields=["expires_at"], using=alias)
        return make_key(using=alias, now=now, active_from=takes_over)


def _load(row: SigningKey) -> LoadedKey:
    kid = str(row.pk)
    return LoadedKey(
        kid=kid,
        algorithm=row.algorithm,
        public_jwk={"alg": row.algorithm, **row.public_jwk, "kid": kid},
        private_key=load_jwk(row.algorithm, row.private_jwk),
        created_at=row.created_at,
        active_from=row.active_from,
        expires_at=row.expires_at,
    )


def _candidates(now: datetime, using: str | None) -> list[LoadedKey]:
    algorithm = get_settings().JWT.ALGORITHM
    able = [key for key in all_keys(using) if key.algorithm == algorithm and key.signs_at(now)]
    return able if len(able) < 2 else sorted(able, key=lambda key: (key.active_from, key.kid))


def _has_successor(current: LoadedKey, using: str | None) -> bool:
    return any(
        key.algorithm == current.algorithm and key.active_from > current.active_from
        for key in all_keys(using)
    )


def _ahead() -> timedelta:
    # A key that lives shorter than that would otherwise have a successor from its first day.
    interval = get_settings().JWT.ROTATION_INTERVAL
    if interval is None:
        return PUBLISH_AHEAD
    return min(PUBLISH_AHEAD, timedelta(seconds=interval / 4))
