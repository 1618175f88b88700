"""Events as somebody makes them who can write to the database, and has no key."""

from __future__ import annotations

import os
from typing import Any

from django.db import connections

from django_jazzauth.crypto.digest import event_digest, payload_hash
from django_jazzauth.keys.models import DataKey
from django_jazzauth.store.models import Event


def forge(stream: str, type_: str, key: DataKey, alias: str = "default") -> None:
    """Append a right digest over a payload that nobody opens."""
    connection = connections[alias]
    last = Event.objects.filter(stream=stream).order_by("-version").first()
    assert last is not None
    payload = b"\x01" + os.urandom(60)
    values: dict[str, Any] = {
        "stream": stream,
        "version": last.version + 1,
        "type": type_,
        "schema": last.schema,
        "recorded_at": last.recorded_at + 1,
    }
    digest = event_digest(
        previous=bytes(last.digest),
        key_id=key.pk.bytes,
        payload_hash=payload_hash(payload),
        **values,
    )
    names = [*values, "key_id", "digest", "payload", "txid"]
    newest = Event.objects.order_by("-position").first()
    assert newest is not None
    key_id = key.pk if connection.features.has_native_uuid_field else key.pk.hex
    params = [*values.values(), key_id, digest, payload, newest.txid]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO jazzauth_event ({', '.join(map(quote, names))}) "
            f"VALUES ({', '.join(['%s'] * len(names))})",
            params,
        )
