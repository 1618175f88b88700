"""Destroying a data key: the one write that nothing undoes."""

from __future__ import annotations

from django.dispatch import Signal
from django.utils import timezone

from ..errors import KeyUnavailable
from .models import DataKey

data_keys_destroyed = Signal()
"""Sent after the commit, so that whoever keeps what was opened forgets it."""


def has_data_key(alias: str, subject: str) -> bool:
    """Whether a subject has a data key that is not destroyed."""
    return DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None).exists()


def destroy_data_key(alias: str, subject: str) -> bytes:
    """Destroy a subject's data key, inside the caller's transaction.

    Its row stays, without the subject's name, so that what it sealed is known to be shredded.

    Args:
        alias: database alias.
        subject: whose key.

    Returns:
        The key's 16-byte id.

    Raises:
        KeyUnavailable: the subject has none.
    """
    rows = DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None)
    row = rows.first()
    # The condition is checked again by the database: another run may have been faster.
    changed = rows.update(wrapped=None, subject=None, destroyed_at=timezone.now())
    if row is None or not changed:
        raise KeyUnavailable(f"{subject} has no data key")
    id_: bytes = row.pk.bytes
    return id_
