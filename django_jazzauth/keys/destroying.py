"""What others need to know of a data key that is destroyed."""

from __future__ import annotations

from django.dispatch import Signal

from .models import DataKey

data_keys_destroyed = Signal()
"""Sent after the commit, so that whoever keeps what was opened forgets it."""


def has_data_key(alias: str, subject: str) -> bool:
    """Whether a subject has a data key that is not destroyed."""
    return DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None).exists()
