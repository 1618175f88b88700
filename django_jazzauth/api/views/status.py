"""``/ok``, and every path that does not exist."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request

from ..answers import answers
from ..endpoint import Endpoint, nothing_here
from ..payloads import OkPayload
from ..responses import Response


class OkView(Endpoint):
    """``GET /ok``: the server answers."""

    @answers(OkPayload)
    def get(self, request: Request) -> Response:
        """Always the same."""
        return Response({"ok": True})


@csrf_exempt
def not_found(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Any path that is not an endpoint, among them those with a trailing slash."""
    return nothing_here()
