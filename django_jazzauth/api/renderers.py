"""Answers: compact JSON, whatever the client says it accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from .. import compact_json


class JSONRenderer(BaseRenderer):
    """JSON in UTF-8. Unlike DRF's renderer it writes ``null`` for ``None``."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The body as sent."""
        return compact_json.encode(data)


class OneRenderer(BaseContentNegotiation):
    """Content negotiation that does not negotiate: Better Auth answers JSON to everybody."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser for the request's content type, ``None`` when there is none."""
        media_type = (request.content_type or "").split(";")[0].strip().lower()
        for parser in parsers:
            if parser.media_type == media_type:
                return parser
        return None

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Always the first renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type or ""
