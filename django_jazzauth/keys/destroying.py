"""What others need to know of keys that are destroyed, or are others than they were."""

from __future__ import annotations

from django.dispatch import Signal

from .models import DataKey

data_keys_destroyed = Signal()
"""Sent after the commit, so that whoever keeps what was opened forgets it."""

keys_forgotten = Signal()
"""Sent when the keys of a database are read again: what was compared under them may differ."""


def has_data_key(alias: str, subject: str) -> bool:
    """Whether a subject has a data key that is not destroyed."""
    return DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None).exists()
