"""The event table: one row per change of one entity, written by the Journal only."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from ..errors import NotJournalled
from ..keys.fields import ExactCharField

EVENT_TABLE = "jazzauth_event"


class EventQuerySet(models.QuerySet[Any]):
    """Reading is free; writing belongs to the Journal."""

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotJournalled("Events are append-only: only the Journal writes them.")

    create = get_or_create = update_or_create = _refuse
    bulk_create = bulk_update = update = delete = _refuse


class Event(models.Model):
    """One immutable, encrypted event.

    The row holds only what a reader without keys may see: which stream, which version, when, and
    the digest that chains it to its predecessor. The state is in ``payload``, sealed under the data
    key of the person it belongs to; after compaction ``payload`` is NULL and ``payload_hash`` keeps
    the chain verifiable. ``docs/format.md`` defines the bytes.
    """

    position = models.BigAutoField(primary_key=True)
    stream = ExactCharField(max_length=255)
    version = models.PositiveIntegerField()
    type = models.CharField(max_length=32)
    schema = models.PositiveIntegerField()
    key_id = models.UUIDField()
    recorded_at = models.BigIntegerField(help_text="Microseconds since 1970-01-01 UTC.")
    digest = models.BinaryField(max_length=32)
    payload = models.BinaryField(null=True)
    payload_hash = models.BinaryField(max_length=32, null=True)
    txid = models.BigIntegerField(
        default=0,
        help_text="PostgreSQL's transaction id; what lets a tailing reader follow commits.",
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        app_label = "django_jazzauth"
        db_table = EVENT_TABLE
        constraints = [
            models.UniqueConstraint(fields=["stream", "version"], name="jazzauth_event_version"),
        ]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.stream}@{self.version} {self.type}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        raise NotJournalled("Events are append-only: only the Journal writes them.")

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise NotJournalled("Events are append-only: they are never deleted.")
