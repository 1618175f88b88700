"""Requests of the API, answered before the middleware that is for pages."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import (
    NoReverseMatch,
    Resolver404,
    ResolverMatch,
    get_script_prefix,
    resolve,
    reverse,
    set_urlconf,
)
from django.utils import timezone, translation

from ..conf import Settings, while_settings_hold
from ..middleware import Middleware
from .endpoint import Endpoint
from .responses import Response

_MOST_KNOWN = 1000
_LONGEST_HOST = 255


class ApiMiddleware(Middleware):
    """Answer the API's requests here: the middleware that is listed further down is left out.

    Sessions, CSRF tokens, messages and frames are nothing to the API, whose endpoints have cookies
    and a rule of origins of their own. What is to see all requests, such as ``SecurityMiddleware``
    or that of CORS, stands before this one. A plugin's path that is no
    :class:`~.endpoint.Endpoint` takes the usual way, as all other paths do. Works under WSGI and
    ASGI.

    Receivers of signals that the API sends, such as ``user_logged_in``, get a request without what
    the middleware further down would have put there. Of what stands before, ``process_view``,
    ``process_exception`` and ``process_template_response`` are not called: Django calls them where
    all middleware has been passed (system check ``jazzauth.W056``). Under ``i18n_patterns`` the API
    is found in the default language only.

    Args:
        get_response: the next one.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or hand it on."""
        match = _endpoint_at(request)
        if self._is_async:
            if match is None:
                return self._hand_on(request)
            return sync_to_async(_answer, thread_sensitive=True)(request, match)
        if match is not None:
            return _answer(request, match)
        with _kept_active():
            response: HttpResponseBase = self.get_response(request)
        return response

    async def _hand_on(self, request: HttpRequest) -> HttpResponseBase:
        with _kept_active():
            response: HttpResponseBase = await self.get_response(request)
        return response


@contextmanager
def _kept_active() -> Iterator[None]:
    """Undo what middleware further down activates and leaves, for the next may be of the API."""
    language = translation.get_language()
    with timezone.override(timezone.get_current_timezone()):  # its exit knows if none was active
        try:
            yield
        finally:
            if translation.get_language() != language:
                translation.deactivate()
                if translation.get_language() != language:
                    translation.activate(language)


def _answer(request: HttpRequest, match: ResolverMatch) -> HttpResponseBase:
    """What Django's handler does with a view that no middleware looks at."""
    _refuse_host(request)
    request.resolver_match = match
    found: Any = match.func(request, *match.args, **match.kwargs)
    if callable(getattr(found, "render", None)):
        found = found.render()
    if isinstance(found, Response):
        found.put_length()
    elif not found.streaming and not found.has_header("Content-Length"):
        found.headers["Content-Length"] = str(len(found.content))
    response: HttpResponseBase = found
    return response


_let_in: tuple[Sequence[str], set[str]] = ([], set())


def _refuse_host(request: HttpRequest) -> None:
    """Raise ``DisallowedHost`` as Django's ``CommonMiddleware`` does, by ``get_host()``.

    A ``Host`` that was let in is so again while ``ALLOWED_HOSTS`` stays as it was then.
    """
    global _let_in
    allowed: Sequence[str] = settings.ALLOWED_HOSTS
    host: str | None = request.META.get("HTTP_HOST")
    if (
        type(allowed) not in (list, tuple)  # it may look up what is allowed
        or not allowed
        or host is None
        or len(host) > _LONGEST_HOST
        or "HTTP_X_FORWARDED_HOST" in request.META
        or type(request).get_host is not HttpRequest.get_host
    ):
        request.get_host()
        return
    held_for, hosts = _let_in
    if held_for != allowed or len(hosts) > _MOST_KNOWN:
        hosts = set()
        _let_in = allowed[:], hosts
    if host not in hosts:
        request.get_host()
        hosts.add(host)


def _endpoint_at(request: HttpRequest) -> ResolverMatch | None:
    """The endpoint that the request is for; none if it is for something else."""
    urlconf = getattr(request, "urlconf", None)
    base, known = _known(urlconf, get_script_prefix())
    if not base or not request.path.startswith(base):
        return None
    if urlconf is not None:
        set_urlconf(urlconf)
    path = request.path_info
    match = known.get(path)
    if match is None:
        try:
            match = resolve(path, urlconf)
        except Resolver404:
            return None
        view = getattr(match.func, "cls", None)
        if not (isinstance(view, type) and issubclass(view, Endpoint)):
            return None
        # A parameter may be a secret, and there may be any number of them.
        if not match.args and not match.kwargs and len(known) < _MOST_KNOWN:
            known[path] = match
    return match


@while_settings_hold
def _known(
    settings: Settings, urlconf: Any, script_prefix: str
) -> tuple[str, dict[str, ResolverMatch]]:
    """What the paths of the API begin with, and the endpoints that were asked for, by path.

    It is nothing that they begin with if the API is not in this URLconf.
    """
    try:
        return reverse("jazzauth:ok", urlconf=urlconf).removesuffix("ok"), {}
    except NoReverseMatch:
        return "", {}
