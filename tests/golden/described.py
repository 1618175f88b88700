"""What a golden database says, as JSON: every row that loads, and every stream's history."""

from __future__ import annotations

import json
from typing import Any

from django_jazzauth.management.exporting import ExportEncoder
from django_jazzauth.store import store
from django_jazzauth.store.models import Event
from django_jazzauth.store.registry import projector_for, projectors


def described() -> dict[str, Any]:
    """Rows by model and key, events by stream."""
    rows: dict[str, Any] = {}
    for projector in projectors():
        meta = projector.model._meta
        names = [f.attname for f in meta.concrete_fields if f.name != meta.sealed_head.name]
        found = rows.setdefault(projector.entity, {})
        for row in projector.model._base_manager.all():
            found[str(row.pk)] = {name: getattr(row, name) for name in names} | {
                member.name: sorted(row.sealed_m2m(member.name))
                for member in meta.local_many_to_many
            }
    streams: dict[str, Any] = {}
    for stream in sorted(set(Event.objects.values_list("stream", flat=True))):
        projector = projector_for(stream)
        assert projector is not None, f"nothing reads {stream} any more"
        streams[stream] = [
            {
                "version": event.version,
                "type": event.type,
                "recorded_at": event.recorded_at,
                "readable": event.readable,
                "compacted": event.compacted,
                "cause": event.cause,
                "state": event.state,
            }
            for event in store.history(projector.model, pk=projector.key(stream))
        ]
    text = json.dumps({"rows": rows, "streams": streams}, cls=ExportEncoder)
    return dict(json.loads(text))


def differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Where something that was expected is not there. What came newly does not matter."""
    if isinstance(expected, dict) and isinstance(found, dict):
        wrong = []
        for name, value in expected.items():
            if name in found:
                wrong += differences(value, found[name], f"{place}/{name}")
            else:
                wrong.append(f"{place}/{name} is missing")
        return wrong
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [
            each
            for number, (one, other) in enumerate(zip(expected, found, strict=True))
            for each in differences(one, other, f"{place}/{number}")
        ]
    return [] if expected == found else [f"{place}: {expected!r} became {found!r}"]
