"""The tables of the keys. Everything secret in them is sealed; docs/format.md gives the bytes.

Only this floor's own code writes them, with SQL of its own; the models are for migrations, reading
and the admin.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from .fields import ExactCharField

APP_LABEL = "django_jazzauth"
SUBJECT_LENGTH = 255
SUITE_LENGTH = 32
WORKER_ID_LENGTH = 40


class Worker(models.Model):
    """Somebody who can open the store: the holder of one worker secret.

    ``id`` is the fingerprint of the secret's public keys. ``public_key`` is that of ``suite``, to
    which new epochs are granted. ``anchor`` says which epoch the worker last opened, under a key of
    the worker's own: nobody else can make one.
    """

    id = models.CharField(primary_key=True, max_length=WORKER_ID_LENGTH)
    name = models.CharField(max_length=150, blank=True, default="")
    suite = models.CharField(max_length=SUITE_LENGTH)
    public_key = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)
    anchor = models.BinaryField(null=True)

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_worker"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} ({self.id})" if self.name else self.id


class Epoch(models.Model):
    """A time during which one epoch key is used for what is newly written.

    The key itself is in no row: each worker has it in a grant, and the epoch after holds it in
    ``previous_wrapped``, sealed under its own, so that who has the newest key has all before it.
    ``public_key`` follows from the key, and commits to it: who opens another one by a grant or by
    the epoch after refuses it. A retired one names, signed, the epoch that was in use then in
    ``succession``. ``index_seal`` says which index roots are not destroyed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it is in use.")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Empty: it still opens.")
    public_key = models.BinaryField()
    previous_wrapped = models.BinaryField(null=True)
    succession = models.BinaryField(null=True)
    index_state = models.PositiveIntegerField(
        default=0, help_text="Rises whenever writers of searchable columns must read the keys anew."
    )
    index_seal = models.BinaryField(null=True)

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_epoch"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"epoch {self.number}"


class Grant(models.Model):
    """An epoch's key, sealed to one worker (HPKE).

    ``endorsement`` is the worker's public key, sealed under the epoch: only who had the epoch's key
    can have made it. The next epoch is granted to endorsed keys, so that a worker written into the
    tables by SQL gets nothing.
    """

    id = models.BigAutoField(primary_key=True)
    epoch = models.ForeignKey(Epoch, models.CASCADE, related_name="grants")
    worker = models.ForeignKey(Worker, models.CASCADE, related_name="grants")
    suite = models.CharField(max_length=SUITE_LENGTH)
    sealed = models.BinaryField()
    endorsement = models.BinaryField()

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_grant"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["epoch", "worker"], name="jazzauth_grant_once")
        ]

    def __str__(self) -> str:
        return f"{self.epoch_id} to {self.worker_id}"


class IndexRoot(models.Model):
    """The key that the keys of searchable columns are derived from, wrapped under an epoch.

    A re-indexing makes a new generation, and destroys those that no column is left under. The row
    of a destroyed one stays, without its key; its number is given again when all are used up.
    """

    id = models.BigAutoField(primary_key=True)
    generation = models.PositiveSmallIntegerField(unique=True)
    epoch = models.ForeignKey(Epoch, models.PROTECT, related_name="index_roots")
    wrapped = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_index_root"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"generation {self.generation}"


class IndexColumn(models.Model):
    """Which generation of the index keys a searchable column is under, and how far it has moved.

    A column without a row is under the oldest live generation. With a ``target``, values whose
    ciphertext under ``generation`` is at most ``boundary`` are under the target, all others are not
    yet: so equal values have equal ciphertexts at every moment.
    """

    id = models.BigAutoField(primary_key=True)
    entity = ExactCharField(max_length=SUBJECT_LENGTH)
    field = ExactCharField(max_length=SUBJECT_LENGTH)
    generation = models.PositiveSmallIntegerField()
    target = models.PositiveSmallIntegerField(null=True, blank=True)
    boundary = models.BinaryField(default=b"")

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_index_column"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["entity", "field"], name="jazzauth_index_column_once")
        ]

    def __str__(self) -> str:
        return f"{self.entity}.{self.field}"


class DataKey(models.Model):
    """A subject's key, wrapped under an epoch. Without ``wrapped`` it is destroyed.

    The row of a destroyed key stays, without its subject: events that it sealed can then say that
    they are shredded instead of broken. Its ``tombstone`` says that the application did it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = ExactCharField(max_length=SUBJECT_LENGTH, null=True, unique=True)
    epoch = models.ForeignKey(Epoch, models.PROTECT, related_name="data_keys")
    wrapped = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    destroyed_at = models.DateTimeField(null=True, blank=True)
    tombstone = models.BinaryField(null=True)

    class Meta:
        app_label = APP_LABEL
        db_table = "jazzauth_data_key"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"data key {self.id}"
