"""The tables of the log: events, written by the Journal only, and checkpoints over them."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone

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


class CheckpointKey(models.Model):
    """The key that checkpoints are signed with; one row.

    ``origin`` names the log, ``sealed`` holds the private key of Ed25519, sealed under a data key
    of its own (subject ``checkpoints``).
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    origin = models.CharField(max_length=200)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_checkpoint_key"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.origin


class Checkpoint(models.Model):
    """A checkpoint that was signed, and which events it added to the tree.

    ``first`` is the number of leaves before it and ``size`` that after it. ``sealed`` holds the
    positions of the leaves between, in the order of the tree, and the tree's compact form;
    docs/format.md gives the bytes.
    """

    first = models.BigIntegerField(primary_key=True)
    size = models.BigIntegerField()
    generation = models.PositiveIntegerField(default=1)
    note = models.TextField(help_text="The signed note.")
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_checkpoint"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"checkpoint of {self.size} events"


class Generation(models.Model):
    """A new beginning after the database was rolled back; the first generation has no row.

    ``abandoned`` is the checkpoint from before the rollback that this database does not contain.
    ``sealed`` proves that the application made the row.
    """

    number = models.PositiveIntegerField(primary_key=True)
    abandoned = models.TextField()
    sealed = models.BinaryField()
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_generation"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"generation {self.number}"
