"""The tables of the log: events, written by the Journal only, and checkpoints over them."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from ..errors import NotJournalled
from ..keys.fields import ExactCharField
from .fields import PositionField

EVENT_TABLE = "jazzauth_event"
TRIGRAM_TABLE = "jazzauth_trigrams"


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

    position = PositionField(primary_key=True)
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


class TokensField(models.BinaryField):  # type: ignore[type-arg]
    """The blind tokens of an entity's texts: an array on PostgreSQL, two bytes each elsewhere."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """An array can be indexed by its elements."""
        if connection.vendor == "postgresql":
            return "smallint[]"
        return super().db_type(connection)


class Trigrams(models.Model):
    """What the blind trigram index holds of one entity; written with its events.

    ``basis`` names the fields and the generation of the index keys that the tokens were made with.
    """

    stream = ExactCharField(max_length=255, primary_key=True)
    tokens = TokensField()
    basis = models.BigIntegerField()

    class Meta:
        app_label = "django_jazzauth"
        db_table = TRIGRAM_TABLE
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.stream)


class TrigramIndex(models.Model):
    """Which fields of an entity are in the blind trigram index, and whether every entity is."""

    entity = models.CharField(max_length=100, primary_key=True)
    fields = models.TextField()
    complete = models.BooleanField(default=False)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_trigram_index"
        default_permissions = ()

    def __str__(self) -> str:
        return self.entity


class RelayCursor(models.Model):
    """How far a relay has published the log; one row per name of a relay.

    Everything up to ``high`` is published, but for what may still commit in the stretches of
    positions in ``gaps`` (MessagePack). ``leader`` is whoever publishes, until ``leased_until``;
    ``keys_epoch`` the epoch under which every data key was published. Times are microseconds since
    1970-01-01 UTC.
    """

    name = models.CharField(primary_key=True, max_length=64)
    high = models.BigIntegerField(default=0)
    gaps = models.BinaryField(default=b"")
    keys_epoch = models.PositiveIntegerField(default=0)
    published = models.BigIntegerField(default=0)
    moved_at = models.BigIntegerField(default=0)
    leader = models.CharField(max_length=32, default="")
    leased_until = models.BigIntegerField(default=0)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_relay"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"relay {self.name} at {self.high}"


class CopyCursor(models.Model):
    """How far a copy has read what a relay publishes; one row, in the copy's database only.

    ``events`` and ``keys`` are JetStream's sequence numbers.
    """

    stream = models.CharField(primary_key=True, max_length=64)
    events = models.BigIntegerField(default=0)
    keys = models.BigIntegerField(default=0)
    moved_at = models.BigIntegerField(default=0)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_copy"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"copy of {self.stream} at {self.events}"
