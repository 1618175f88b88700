"""Middleware: events say which request they come from, and a full queue of hashes answers 429."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from .errors import HashingBusy
from .hashing_pool import RETRY_AFTER
from .request_cause import cause_of
from .store.acting import acting_as_told


class Middleware:
    """What answers under WSGI and ASGI alike: it is asynchronous if the next one is.

    Args:
        get_response: the next one.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request."""
        raise NotImplementedError


class ActingMiddleware(Middleware):
    """Record with every event the user, how they signed in, request id, address and browser.

    Put it before ``SessionMiddleware``, so that the session that is saved after the view says the
    same. It looks at the request when something is written, and only then. Works under WSGI and
    ASGI.

    Where a view, such as Django's login form, meets :class:`~.errors.HashingBusy`, it answers 429.

    Args:
        get_response: the next one.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, on the record."""
        if self._is_async:
            return self._answer(request)
        with acting_as_told(lambda: cause_of(request)):
            response: HttpResponseBase = self.get_response(request)
        return response

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        with acting_as_told(lambda: cause_of(request)):
            response: HttpResponseBase = await self.get_response(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """429 where too many passwords wait to be hashed."""
        if not isinstance(exception, HashingBusy):
            return None
        text = "Too many requests. Please try again later."
        headers = {"Retry-After": str(RETRY_AFTER)}
        return HttpResponse(text, status=429, content_type="text/plain", headers=headers)
