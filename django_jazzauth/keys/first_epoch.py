"""Making the keys of a database that has none: its first worker, epoch, grant and index root."""

from __future__ import annotations

import os
import uuid
from typing import Any

from django.db import connections, models

from ..conf import get_settings
from ..errors import KeyUnavailable, WrongWorkerSecret
from .anchor import Anchor, make_anchor
from .models import DataKey, Epoch, Grant, IndexRoot, Worker
from .provider import KeyProvider
from .trust import made_here
from .wrapping import KEY_BYTES, EpochKey

FIRST = 1


def make_first_epoch(alias: str, worker: KeyProvider) -> Anchor | None:
    """Make the first epoch, unless another process is quicker: there is one afterwards.

    Safe to race: the epoch's number is unique, who fails to insert it waits for the other's commit
    and stores nothing. Call it inside an atomic block: when it raises, nothing it wrote may stay.

    Args:
        alias: database alias.
        worker: whose secret this process has.

    Returns:
        The epoch that this very call made. None if another process, or somebody else, was quicker:
        what stands there then is to be believed no more than any other epoch.

    Raises:
        WrongWorkerSecret: the database has workers, and this is none of them.
        KeyUnavailable: data keys stand in the database, but no epoch that could open them.
    """
    suite = get_settings().HPKE_SUITE
    epoch = EpochKey(uuid.uuid4().bytes, FIRST, os.urandom(KEY_BYTES))
    row = Epoch(
        id=uuid.UUID(bytes=epoch.id),
        number=FIRST,
        public_key=epoch.public_key,
        index_seal=epoch.seal_generations((FIRST,)),
    )
    # Written before anything is read: on SQLite a transaction that reads first cannot write any
    # more once another process has written.
    _insert(alias, row)
    if not Epoch.objects.using(alias).filter(id=row.id).exists():
        return None
    _refuse_used_database(alias, worker)
    public_key = worker.public_key(suite)
    _insert(
        alias,
        Worker(id=worker.worker_id, name="first", suite=suite, public_key=public_key),
    )
    # Not along with the row: that of a worker whose epochs are gone stays as it is.
    Worker.objects.using(alias).filter(pk=worker.worker_id).update(
        anchor=make_anchor(worker, epoch)
    )
    _insert(
        alias,
        Grant(
            epoch_id=row.id,
            worker_id=worker.worker_id,
            suite=suite,
            sealed=epoch.grant(worker.worker_id, suite, public_key),
            endorsement=epoch.endorse(worker.worker_id, suite, public_key),
        ),
    )
    _insert(
        alias,
        IndexRoot(
            generation=FIRST,
            epoch_id=row.id,
            wrapped=epoch.wrap_index_root(FIRST, os.urandom(KEY_BYTES)),
        ),
    )
    return made_here(alias, epoch)


def _refuse_used_database(alias: str, worker: KeyProvider) -> None:
    known = dict(Worker.objects.using(alias).values_list("id", "removed_at"))
    if known and known.get(worker.worker_id, True) is not None:
        raise WrongWorkerSecret(
            worker.worker_id,
            "this database has workers, but this one is not among them, and no epoch at all. "
            "Restore the tables of the keys from a backup.",
        )
    if DataKey.objects.using(alias).exists():
        raise KeyUnavailable(
            "The database holds data keys but no epoch that could open them. Restore the tables "
            "jazzauth_epoch and jazzauth_grant from a backup."
        )


def _insert(alias: str, row: models.Model) -> None:
    """Insert a row unless one with the same unique values stands."""
    connection = connections[alias]
    fields = [
        column
        for column in row._meta.concrete_fields
        if not isinstance(column, models.AutoField | models.BigAutoField)
    ]
    values: list[Any] = [
        column.get_db_prep_save(getattr(row, column.attname), connection) for column in fields
    ]
    conflict = "ON CONFLICT DO NOTHING"
    if connection.vendor == "mysql":
        # Whoever is slower needs the row's exclusive lock next. IGNORE would give a shared one, and
        # who already waits for the exclusive one would stand between the two.
        same = connection.ops.quote_name(str(fields[0].column))
        conflict = f"ON DUPLICATE KEY UPDATE {same} = {same}"
    columns = ", ".join(connection.ops.quote_name(str(column.column)) for column in fields)
    marks = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {row._meta.db_table} "  # noqa: S608 - names only
            f"({columns}) VALUES ({marks}) {conflict}",
            values,
        )
