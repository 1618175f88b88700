"""The answers of endpoints: DRF's, without what is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import cache, partial
from http.cookies import SimpleCookie
from typing import Any

from django.http.response import ResponseHeaders
from django.template.response import SimpleTemplateResponse
from rest_framework.response import Response as RestResponse

from .. import compact_json

_MEDIA_TYPE = "application/json"

ReadyHeaders = Mapping[str, tuple[str, str]]
"""Headers as Django keeps them."""


def ready_headers(headers: Mapping[str, str]) -> ReadyHeaders:
    """Headers that many answers get: looked at once.

    Args:
        headers: names and values, both ASCII.
    """
    return {name.lower(): (name, value) for name, value in ResponseHeaders(headers).items()}


class Response(RestResponse):
    """DRF's response, always JSON.

    It needs no renderer to be negotiated. Its text is UTF-8, whatever ``DEFAULT_CHARSET`` says: so
    JSON has to be.

    Args:
        data: what JSON is made of when the answer is complete.
        status: of HTTP; 200 if not given.
        headers: further ones.
    """

    # Django looks it up in the headers and the settings, several times per answer.
    charset = "utf-8"

    def __init__(
        self,
        data: Any = None,
        status: int | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        # What Django's and DRF's constructors would set, which is always the same.
        attributes = self.__dict__
        shared, own = _blank()
        attributes.update(shared)
        for name, make in own:
            attributes[name] = make()
        self.headers = _Headers()
        self.cookies = SimpleCookie()
        self.data = data
        if status is not None:
            self.status_code = status
        if headers:
            for name, value in headers.items():
                self[name] = value

    def put_headers(self, headers: ReadyHeaders) -> None:
        """Set headers, as ``self[name] = value`` does."""
        self.headers._store.update(headers)

    def put_length(self) -> None:
        """Say how long the body is, if nobody did: as Django's ``CommonMiddleware`` does."""
        known = self.headers._store
        if "content-length" not in known:
            known["content-length"] = ("Content-Length", str(len(self.content)))

    @property
    def rendered_content(self) -> Any:
        """The body as sent."""
        return compact_json.encode(self.data)


class _Headers(ResponseHeaders):
    def __init__(self) -> None:
        self._store = {"content-type": ("Content-Type", _MEDIA_TYPE)}

    def items(self) -> Any:
        """Names and values, which servers ask for."""
        # A view's own iterator takes four calls for each header.
        return self._store.values()


@cache
def _blank() -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The attributes that all answers share, and what makes those of which each has its own."""
    attributes = vars(SimpleTemplateResponse("", content_type=_MEDIA_TYPE))
    attributes |= {"exception": False, "content_type": _MEDIA_TYPE}
    del attributes["headers"], attributes["cookies"]
    shared = {
        name: value
        for name, value in attributes.items()
        if value is None or isinstance(value, str | bytes | int)
    }
    own = [(name, value) for name, value in attributes.items() if name not in shared]
    return shared, [(name, getattr(value, "copy", partial(copy, value))) for name, value in own]
