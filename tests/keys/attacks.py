"""What somebody does who writes SQL, reads every row, and has no secret and no epoch's key."""

import os
import uuid

from django.db import connection
from django.utils import timezone

from django_jazzauth.drivers import uuid_parameter
from django_jazzauth.keys.models import Worker
from django_jazzauth.keys.wrapping import EpochKey


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def attack(number=2, wrapping=None):
    """Write an epoch of one's own, with index keys, granted to who stands in the table.

    Args:
        number: of the epoch.
        wrapping: an epoch whose key the attacker has.
    """
    foreign = EpochKey(uuid.uuid4().bytes, number, os.urandom(32))
    now, id_ = timezone.now(), uuid_parameter(connection, foreign.id)
    sql("UPDATE jazzauth_epoch SET superseded_at = %s WHERE superseded_at IS NULL", now)
    if wrapping is None:
        sql("UPDATE jazzauth_epoch SET retired_at = %s", now)
    wrapped = foreign.wrap_previous(wrapping) if wrapping else None
    sql(
        "INSERT INTO jazzauth_epoch (id, number, created_at, public_key, previous_wrapped, "
        "index_state, index_seal) VALUES (%s, %s, %s, %s, %s, 0, %s)",
        *(id_, number, now, foreign.public_key, wrapped, foreign.seal_generations([1])),
    )
    sql("DELETE FROM jazzauth_index_root")
    sql(
        "INSERT INTO jazzauth_index_root (generation, epoch_id, wrapped, created_at) "
        "VALUES (1, %s, %s, %s)",
        *(id_, foreign.wrap_index_root(1, os.urandom(32)), now),
    )
    for worker in Worker.objects.all():
        public_key = bytes(worker.public_key)
        sealed = foreign.grant(worker.id, worker.suite, public_key)
        endorsed = foreign.endorse(worker.id, worker.suite, public_key)
        sql(
            "INSERT INTO jazzauth_grant (epoch_id, worker_id, suite, sealed, endorsement) "
            "VALUES (%s, %s, %s, %s, %s)",
            *(id_, worker.id, worker.suite, sealed, endorsed),
        )
    return foreign
