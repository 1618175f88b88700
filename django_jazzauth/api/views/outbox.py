"""``GET /test-outbox``: the messages that were sent, for checks from outside."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from .. import outbox
from ..answers import NOTHING_HERE, Reply, answers
from ..endpoint import Endpoint, nothing_here
from ..payloads import MessagePayload
from ..responses import Response


class OutboxView(Endpoint):
    """Never there without ``JAZZAUTH["TEST_OUTBOX"]`` and ``DEBUG``."""

    @answers(Reply((MessagePayload,), many=True), NOTHING_HERE, operation="testOutbox")
    def get(self, request: Request) -> HttpResponse:
        """``[{to, kind, url, token, otp, subject, body}]``, oldest first; or 404."""
        return Response(outbox.entries()) if outbox.is_open() else nothing_here()
