"""``GET /error``: where a failed redirect ends that has nowhere else to go."""

from __future__ import annotations

import re

from django.http import HttpResponse
from django.template.loader import render_to_string
from rest_framework.request import Request

from ..answers import PAGE, answers
from ..endpoint import Endpoint
from ..payloads import ErrorQuery

TEMPLATE = "django_jazzauth/error.html"
# The code comes from the address, so anybody can write it: nothing but a code is shown.
_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ErrorView(Endpoint):
    """A page for people; a project may override its template."""

    @answers(PAGE, query=ErrorQuery, operation="errorPage")
    def get(self, request: Request) -> HttpResponse:
        """The page, with the code of ``?error=``."""
        given = request.query_params.get("error", "")
        code = given if _CODE.fullmatch(given) else "UNKNOWN"
        page = render_to_string(TEMPLATE, {"code": code}, request=self.http)
        answer = HttpResponse(page, content_type="text/html")
        answer["Content-Security-Policy"] = _POLICY
        return answer
