"""Request bodies: JSON as RFC 8259 means it, and forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


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
        octets: bytes = stream.read()
        try:
            value = json.loads(octets.decode("utf-8"), parse_constant=_refuse_constant)
            if _SURROGATE_ESCAPE.search(octets):
                # Half a character can be neither stored nor sent back.
                json.dumps(value, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            raise ParseError("not JSON") from None
        return value


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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
