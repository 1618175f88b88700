"""What the body of a request says."""

from __future__ import annotations

from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.views import APIView

from . import errors
from .parsers import FormParser, JSONParser

# Distinguishes an absent body from JSON ``null``.
UNDEFINED = object()

_NO_LENGTH = (None, "", "0")


def read_body(view: APIView, request: Request) -> Any:
    """The parsed body; :data:`UNDEFINED` if there is none.

    Args:
        view: says who chooses among the parsers.
        request: DRF's.

    Raises:
        ApiError: 415.
        rest_framework.exceptions.ParseError: it is not what it says it is.
        django.core.exceptions.RequestDataTooBig: see ``DATA_UPLOAD_MAX_MEMORY_SIZE``.
    """
    http = request._request
    if http.method == "GET" or _is_empty(http):
        return UNDEFINED
    octets = http.body
    if not octets:
        return UNDEFINED
    parser = view.get_content_negotiator().select_parser(request, request.parsers or ())
    if parser is None:
        raise _unsupported(request.content_type or "")
    if type(parser) is JSONParser:
        # ``request.data`` would choose again, and wrap the octets in a stream.
        return parser.parse_octets(octets)
    return request.data


def _is_empty(http: HttpRequest) -> bool:
    """Whether it is certain that there is no body: of WSGI, no more is read than it says there is.

    Unless something else has read one already, which may have been compressed.
    """
    return (
        http.META.get("CONTENT_LENGTH") in _NO_LENGTH
        and isinstance(http, WSGIRequest)
        and not hasattr(http, "_body")
    )


def _unsupported(content_type: str) -> errors.ApiError:
    complaint = (
        f'Content-Type "{content_type}" is not allowed'
        if content_type
        else "Content-Type is required"
    )
    message = f"{complaint}. Allowed types: {FormParser.media_type}, {JSONParser.media_type}"
    return errors.ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message)
