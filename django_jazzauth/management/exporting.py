"""Everything that is known of a person, for that person: the right of access."""

from __future__ import annotations

import base64
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from ..errors import NeverExisted
from ..keys.keyring import keyring
from ..keys.models import DataKey
from ..store.events import moment, open_record
from ..store.history import address
from ..store.journal import ENDED
from ..store.models import Event as EventRecord
from ..store.registry import Projector, projector_for
from ..store.sealing import Head
from .secrecy import secret_fields

FORMAT = "jazzauth-export/1"
HIDDEN = "(not exported: a secret)"


class ExportEncoder(DjangoJSONEncoder):
    """JSON for every value that a field can have; bytes as base64."""

    def default(self, o: Any) -> Any:
        """The JSON value of something that JSON has no form for."""
        if isinstance(o, bytes | memoryview):
            return base64.b64encode(bytes(o)).decode()
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def export_subject(instance: Any, *, pk: Any = None, using: str | None = None) -> dict[str, Any]:
    """What is sealed under a person's data key: every entity of theirs, now and before.

    Reads the whole log once, since it is not indexed by keys. Secrets, such as password hashes and
    tokens, are named and left out.

    Args:
        instance: the person, or the model class together with ``pk``.
        pk: primary key, when a class was given; also of somebody who is deleted.
        using: database alias.

    Returns:
        What :class:`ExportEncoder` turns into JSON: ``format``, ``subject``, ``exported_at``, and
        ``entities``, each with ``stream``, ``entity``, ``current`` (None: deleted) and
        ``history``.

    Raises:
        NeverExisted: nobody has this key, or they were shredded.
        SealBroken: an event was tampered with.
    """
    projector, key, alias = address(instance, pk, using)
    subject = projector.stream(key)
    data_key = DataKey.objects.using(alias).filter(subject=subject, destroyed_at=None).first()
    if data_key is None:
        raise NeverExisted(f"{subject} has no data key: nothing of theirs can be read.")
    keyring(alias).drop_destroyed({data_key.pk.bytes})
    rows = EventRecord.objects.using(alias).filter(key_id=data_key.pk)
    streams: dict[str, list[dict[str, Any]]] = {subject: []}
    for record in rows.order_by("position").iterator(chunk_size=500):
        streams.setdefault(record.stream, []).append(_entry(alias, record))
    return {
        "format": FORMAT,
        "subject": subject,
        "exported_at": timezone.now(),
        "entities": [_entity(stream, history) for stream, history in streams.items() if history],
    }


def _entry(alias: str, record: EventRecord) -> dict[str, Any]:
    state, cause = open_record(alias, record)
    projector = projector_for(record.stream)
    if state is not None and projector is not None:
        head = Head(record.version, record.schema, b"", record.recorded_at, state)
        state = _shown(projector, projector.values(projector.upcast(head).state))
    return {
        "version": record.version,
        "type": record.type,
        "recorded_at": moment(record.recorded_at),
        "cause": cause,
        "state": state,
    }


def _entity(stream: str, history: list[dict[str, Any]]) -> dict[str, Any]:
    last = history[-1]
    return {
        "stream": stream,
        "entity": stream.partition("/")[0],
        "current": None if last["type"] in ENDED else last["state"],
        "history": history,
    }


def _shown(projector: Projector, values: dict[str, Any]) -> dict[str, Any]:
    hidden = secret_fields(projector.model)
    return {
        name: HIDDEN if name in hidden and value not in (None, "") else value
        for name, value in values.items()
    }
