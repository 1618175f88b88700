"""Forgetting a person: their data key is destroyed, and with it every event that it sealed."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import ProtectedError, RestrictedError

from ..errors import ConcurrentUpdate, NeverExisted, ShredRefused
from ..keys.destroying import has_data_key
from ..keys.erasing import erasing
from ..keys.keyring import keyring
from ..keys.tombstones import destroy_data_key, prepare_tombstones
from .event_sql import hold_writer_lock, last_events, last_position
from .events import moment
from .history import address
from .journal import ENDED, SHRED_REQUESTED, SHREDDED, Draft, append
from .models import Event as EventRecord
from .registry import Projector, projectors
from .sealing import Head

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a person was forgotten. Holds nothing about them but their key.

    Attributes:
        stream: the person's stream.
        requested_at: when it was asked for, UTC.
        shredded_at: when it was done, UTC.
        version: the last event of the stream, which says so.
        removed: rows that were removed, by the model's label.
        already: it had been done before; nothing was changed now.
    """

    stream: str
    requested_at: datetime.datetime
    shredded_at: datetime.datetime
    version: int
    removed: dict[str, int] = field(default_factory=dict)
    already: bool = False


def shred(instance: Any, *, pk: Any = None, using: str | None = None) -> Receipt:
    """Destroy a person's data key, and remove their row and the rows of all that they own.

    First an event notes the request. Then, in one transaction: what they own is deleted, with all
    that hangs on it (sessions end by that), then they; an event notes that they were shredded; the
    data key is destroyed. Whatever kills it, running it again finishes it, and running it once more
    changes nothing.

    Afterwards the events still stand in the log and verify, and none of them opens, also not those
    in an older copy of the log. An older copy of *rows* opens until its epoch is retired.

    Args:
        instance: the person, or the model class together with ``pk``.
        pk: primary key, when a class was given; also of somebody who is deleted already.
        using: database alias.

    Returns:
        A receipt.

    Raises:
        NeverExisted: there is no such person.
        ShredRefused: it belongs to somebody else, whose key seals it, or a row that another app
            protects from being removed stands in the way.
        SealBroken: a row was tampered with; rebuild first.
        ConcurrentUpdate: others write without pause.
    """
    projector, key, alias = address(instance, pk, using)
    stream = projector.stream(key)
    done = _done(alias, stream)
    if done is not None:
        return done
    if not has_data_key(alias, stream):
        raise ShredRefused(
            f"{stream} has no data key of its own: what it holds is sealed under that of the "
            "person it belongs to. Shred that person."
        )
    _request(alias, projector, key, stream)
    prepare_tombstones(alias)
    for attempt in range(_TRIES):
        try:
            removed = _carry_out(alias, projector, key, stream)
        except (ProtectedError, RestrictedError) as error:
            raise ShredRefused(
                f"{stream}: rows of {_labels(error)} are protected from being removed with it. "
                "Remove them first, and run this again."
            ) from None
        except (IntegrityError, OperationalError):
            # A row that points at this person was made meanwhile, or two writers met.
            if attempt == _TRIES - 1 or connections[alias].in_atomic_block:
                raise
            continue
        break
    done = _done(alias, stream)
    if done is None:
        raise ConcurrentUpdate(f"{stream} was written again meanwhile.")
    return Receipt(
        done.stream, done.requested_at, done.shredded_at, done.version, removed, already=False
    )


def _done(alias: str, stream: str) -> Receipt | None:
    rows = EventRecord.objects.using(alias).filter(stream=stream).order_by("-version")
    last = rows.first()
    if last is None:
        raise NeverExisted(f"{stream} never existed.")
    if last.type != SHREDDED:
        return None
    asked = rows.filter(type=SHRED_REQUESTED).first() or last
    return Receipt(
        stream, moment(asked.recorded_at), moment(last.recorded_at), last.version, already=True
    )


def _request(alias: str, projector: Projector, key: Any, stream: str) -> None:
    """Note that it was asked for, unless a run that did not finish has.

    Who is deleted already gets no note: there is no row to keep in step with it.
    """
    last = last_events(alias, [stream])[stream][3]
    if last != SHRED_REQUESTED and last not in ENDED:
        projector.note(alias, key, SHRED_REQUESTED)


def _carry_out(alias: str, projector: Projector, key: Any, stream: str) -> dict[str, int]:
    removed: dict[str, int] = {}
    with erasing(alias):
        hold_writer_lock(connections[alias])
        rows = projector.model._base_manager.using(alias).filter(pk=key)
        if connections[alias].vendor != "sqlite":
            # Whoever is making a row that points at this one is waited for, and nobody begins to.
            list(rows.select_for_update().values_list("pk"))
        for owned in projectors():
            for name, count in owned.remove_owned(alias, projector.model, key).items():
                removed[name] = removed.get(name, 0) + count
        for name, count in rows.delete()[1].items():
            removed[name] = removed.get(name, 0) + count
        if not _append(alias, projector, stream, SHREDDED):
            raise OperationalError("the stream was written meanwhile")
        # After the event, which it seals like all others of this person.
        key_id = destroy_data_key(alias, stream, lambda: last_position(alias))
        ring = keyring(alias)
        transaction.on_commit(lambda: ring.data_key_destroyed(key_id), using=alias)
    return {name: count for name, count in removed.items() if count}


def _append(alias: str, projector: Projector, stream: str, type_: str) -> bool:
    version, digest, recorded_at, _ = last_events(alias, [stream])[stream]
    previous = Head(version, 0, digest, recorded_at, {})
    schema = projector.schema
    draft = Draft(projector.entity, stream, stream, type_, schema, None, previous)
    return append(alias, [draft])[0] is not None


def _labels(error: ProtectedError | RestrictedError) -> str:
    held: Any = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    return ", ".join(sorted({obj._meta.label for obj in held}))
