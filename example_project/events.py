"""The events of whoever asks: as they are stored, and opened beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_jazzauth.api import errors
from django_jazzauth.api.authentication import SessionCookieAuthentication
from django_jazzauth.errors import SealBroken
from django_jazzauth.management.secrecy import secret_fields
from django_jazzauth.models import User
from django_jazzauth.store import store
from django_jazzauth.store.events import Event
from django_jazzauth.store.models import Event as EventRecord

MASK = "••••••••"
NEWEST = 50
"""How many events one answer has."""

_SHOWN_BYTES = 64


class OwnEventsView(APIView):
    """What the log holds about the signed-in user. Reading only, and nobody else's."""

    authentication_classes = [SessionCookieAuthentication]
    permission_classes = [IsAuthenticated]
    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        """``{stream, total, events}``, the newest event first; secret members are masked.

        Raises:
            ApiError: 409, ``{code, message}``: somebody changed the log.
        """
        try:
            history = store.history(request.user)
        except SealBroken as broken:
            raise errors.ApiError(409, broken.code, str(broken)) from None
        newest = history[-NEWEST:]
        stored = {
            record.position: record
            for record in EventRecord.objects.filter(
                position__in=[event.position for event in newest]
            )
        }
        return Response(
            {
                "stream": history[-1].stream,
                "total": len(history),
                "events": [_described(event, stored[event.position]) for event in reversed(newest)],
            },
            headers={"Cache-Control": "no-store"},
        )

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Errors as the API has them, ``{code, message}``."""
        return errors.handle


def _described(event: Event, record: EventRecord) -> dict[str, Any]:
    return {
        "position": event.position,
        "version": event.version,
        "type": event.type,
        "recordedAt": event.recorded_at,
        "keyId": record.key_id,
        "digest": bytes(record.digest).hex(),
        "ciphertext": None if record.payload is None else _shortened(bytes(record.payload)),
        "opened": None if event.state is None else _masked(event.state),
    }


def _shortened(payload: bytes) -> dict[str, Any]:
    return {"hex": payload[:_SHOWN_BYTES].hex(), "bytes": len(payload)}


def _masked(state: dict[str, Any]) -> dict[str, Any]:
    """The state without what is secret in it: whether there is a value is all that is said."""
    secret = secret_fields(User)
    return {
        name: MASK if name in secret and value is not None else value
        for name, value in state.items()
    }
