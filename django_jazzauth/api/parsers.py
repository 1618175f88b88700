"""Request bodies: JSON as RFC 8259 means it, and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class JSONParser(BaseParser):
    """JSON in UTF-8; ``NaN``, ``Infinity`` and lone surrogates are refused."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed body; raises ``ParseError`` for anything that is not JSON."""
        return self.parse_octets(stream.read())

    def parse_octets(self, octets: bytes) -> Any:
        """What the body says; raises as :meth:`parse`."""
        try:
            return msgspec.json.decode(octets)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise ParseError("not JSON") from None


class FormParser(BaseParser):
    """``application/x-www-form-urlencoded``; every value is text, the last of a name counts."""

    media_type = "application/x-www-form-urlencoded"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        """The form as a dict."""
        try:
            text = stream.read().decode("utf-8")
            return dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
        except ValueError:
            raise ParseError("not a form") from None
