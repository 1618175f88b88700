import os
import uuid

import pytest
from django.utils import timezone

from django_jazzauth.conf import NAME
from django_jazzauth.keys.anchor import make_anchor
from django_jazzauth.keys.keyring import keyring
from django_jazzauth.keys.models import DataKey, Epoch, Grant, IndexColumn, IndexRoot, Worker
from django_jazzauth.keys.secret import WorkerSecret
from django_jazzauth.keys.source import worker_secret
from django_jazzauth.keys.wrapping import EpochKey, open_grant

SUITE = "mlkem768-x25519"
LIVE = (1,)  # generations of the index keys


def clear_keys():
    """Leave the database without any key, as a flush does."""
    for model in (DataKey, IndexColumn, IndexRoot, Grant, Epoch, Worker):
        model.objects.all().delete()


@pytest.fixture
def ring(db):
    """The keyring of a database without keys."""
    clear_keys()
    ring = keyring("default")
    ring.forget()
    yield ring
    ring.forget()


@pytest.fixture
def committed_ring(transactional_db):
    """The same where commits are real; the tables are flushed afterwards."""
    clear_keys()
    ring = keyring("default")
    ring.forget()
    yield ring
    ring.forget()


@pytest.fixture
def start_as(settings):
    """Go on as a process that was started with another worker secret."""

    def start(secret):
        settings.JAZZAUTH = {**getattr(settings, NAME), "WORKER_SECRET": secret.to_text()}
        return keyring("default")

    return start


def own_key(row, worker=None):
    """The opened key of an epoch that was granted to this process's worker."""
    worker = worker or worker_secret()
    grant = Grant.objects.get(epoch=row, worker_id=worker.worker_id)
    key = open_grant(worker, row.id.bytes, grant.suite, bytes(grant.sealed))
    return EpochKey(row.id.bytes, row.number, key)


def add_worker(name="other"):
    secret = WorkerSecret.generate()
    Worker.objects.create(
        id=secret.worker_id, name=name, suite=SUITE, public_key=secret.public_key(SUITE)
    )
    return secret


def grant(epoch, secret):
    Grant.objects.create(
        epoch_id=uuid.UUID(bytes=epoch.id),
        worker_id=secret.worker_id,
        suite=SUITE,
        sealed=epoch.grant(secret.worker_id, SUITE, secret.public_key(SUITE)),
        endorsement=epoch.endorse(secret.worker_id, SUITE, secret.public_key(SUITE)),
    )


def seal_generations():
    """Say under the epoch in use which index roots there are, as who changes them does."""
    row = Epoch.objects.get(superseded_at=None)
    live = IndexRoot.objects.filter(retired_at=None).values_list("generation", flat=True)
    Epoch.objects.filter(pk=row.pk).update(index_seal=own_key(row).seal_generations(live))


def anchor(epoch, secret):
    """Only who has the worker's secret can."""
    Worker.objects.filter(pk=secret.worker_id).update(anchor=make_anchor(secret, epoch))


def rotate(*workers):
    """Start a new epoch behind the keyring's back, as another process would."""
    old_row = Epoch.objects.get(superseded_at=None)
    old = own_key(old_row)
    new = EpochKey(uuid.uuid4().bytes, old.number + 1, os.urandom(32))
    Epoch.objects.filter(pk=old_row.pk).update(superseded_at=timezone.now())
    Epoch.objects.create(
        id=uuid.UUID(bytes=new.id),
        number=new.number,
        public_key=new.public_key,
        previous_wrapped=new.wrap_previous(old),
        index_seal=new.seal_generations(LIVE),
    )
    for secret in workers or (worker_secret(),):
        grant(new, secret)
        anchor(new, secret)
    return new
