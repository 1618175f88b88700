"""The base of every endpoint."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NoReturn

from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.encoding import iri_to_uri
from django.utils.functional import cached_property
from rest_framework.request import Request
from rest_framework.views import APIView

from ..models import Session
from ..request_cause import cause_of
from ..store.acting import acting_as_told
from . import errors, origin, plugins
from .cookies import CookieJar, encode
from .letters import Letters
from .options import ApiOptions, options_for
from .parsers import FormParser, JSONParser
from .renderers import JSONRenderer, OneRenderer
from .request_body import read_body
from .responses import Response
from .serializers import Body, validate
from .session_state import SessionState, resolve
from .signing_in import Factor, SignIn, complete
from .throttling import RateThrottle, retry_after

_OURS: dict[Any, Any] = {cls: cls() for cls in (JSONRenderer, JSONParser, FormParser, OneRenderer)}


class _NoParameters(QueryDict):
    """The parameters of a request without any, which need not be looked through."""

    def get(self, key: Any, default: Any = None) -> Any:
        return default

    def __copy__(self) -> Any:
        return QueryDict(mutable=True)

    def __deepcopy__(self, memo: Any) -> Any:
        return QueryDict(mutable=True)


_NO_PARAMETERS: QueryDict = _NoParameters()


def nothing_here() -> HttpResponse:
    """404 with an empty body: Better Auth's answer to unknown paths and wrong methods."""
    response = HttpResponse(status=404)
    del response["Content-Type"]
    return response


class Endpoint(APIView):
    """One path of the API.

    In this order: the method, the rate limit, the content type and JSON, the origin rule, the
    body's members, the stricter origin rule of sign-in, then the handler. Cookies that follow
    from the request's session are put on every answer, errors included.
    """

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (RateThrottle,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (FormParser, JSONParser)
    content_negotiation_class = OneRenderer
    # Whatever the project chose for its own views.
    versioning_class = None

    body_class: ClassVar[type[Body] | None] = None
    """What the body of a POST must look like; ``None`` for endpoints without one."""
    query_class: ClassVar[type[Body] | None] = None
    """What the query parameters must look like."""
    is_login: ClassVar[bool] = False
    """Whether the stricter origin rule applies."""
    older_name: str = ""
    """``operationId`` of the path, where it is one that the endpoint had before."""
    schema: Any = None
    """For drf-spectacular; ``None`` keeps the endpoints out of a project's own document."""

    body: dict[str, Any]
    query: dict[str, Any]
    _state: SessionState | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """As DRF's; with its own transactions, also in a project with ``ATOMIC_REQUESTS``.

        A transaction around all of it would be open while a password is hashed, and while mails
        and hooks tell of a write that is not committed and may be undone.
        """
        view = super().as_view(**initkwargs)
        for alias in connections:
            transaction.non_atomic_requests(alias)(view)
        return view

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer methods that the endpoint does not have as if the path did not exist."""
        method = (request.method or "").lower()
        if method in ("head", "options") or not hasattr(self, method):
            return nothing_here()
        request.jazzauth_via = "api"  # type: ignore[attr-defined]
        with acting_as_told(partial(cause_of, request)):
            return self._dispatch(method, request, *args, **kwargs)

    def _dispatch(
        self, method: str, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The steps of DRF's ``dispatch()``; which method it is has been looked at."""
        self.args, self.kwargs = args, kwargs
        self.request = wrapped = self.initialize_request(request, *args, **kwargs)
        vars(self)["http"] = wrapped._request
        self.headers = self.default_response_headers
        response: HttpResponseBase
        try:
            self.initial(wrapped, *args, **kwargs)
            known = method in self.http_method_names
            handler = getattr(self, method) if known else self.http_method_not_allowed
            response = handler(wrapped, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(wrapped, response, *args, **kwargs)
        if not hasattr(self.response, "renderer_context"):
            # Nobody parses or renders any more. Without these two circles all that the request made
            # is freed at once, and not left for Python to find.
            wrapped.parser_context.clear()
            vars(self).pop("head", None)
        return self.response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Everything that comes before the handler.

        Not DRF's: there is one renderer, and no version to be found.
        """
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        http = self.http
        trusted = self.api_options.trusted_origins
        body = read_body(self, request)
        origin.check_origin(http, trusted)
        origin.check_callbacks(body, self.parameters, trusted)
        self.body = {}
        if self.body_class is not None and http.method == "POST":
            self.body = validate(self.body_class, body)
        self.query = {}
        if self.query_class is not None:
            self.query = validate(self.query_class, self.parameters.dict(), where="query")
        if self.is_login:
            origin.check_login_origin(http, trusted)
        for look in plugins.installed().before_request:
            look(self)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the cookies that follow from the session, and what plugins add."""
        answer = response
        if not isinstance(response, Response):
            answer = super().finalize_response(request, response, *args, **kwargs)
        if self._state is not None and self._state.has_to_tell:
            self._state.apply(answer, self.jar)
        for add in plugins.installed().answered:
            add(self, answer)
        return answer

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: Better Auth sends neither ``Allow`` nor ``Vary``."""
        return {}

    # What DRF makes anew for each request is made once where it is ours and keeps nothing.

    def get_renderers(self) -> list[Any]:
        """As DRF's."""
        return [_OURS.get(cls) or cls() for cls in self.renderer_classes]

    def get_parsers(self) -> list[Any]:
        """As DRF's."""
        return [_OURS.get(cls) or cls() for cls in self.parser_classes]

    def get_content_negotiator(self) -> Any:
        """As DRF's."""
        return _OURS.get(self.content_negotiation_class) or super().get_content_negotiator()

    def perform_authentication(self, request: Request) -> None:
        """As DRF's; without authenticators it is nobody, whomever a session of Django's names."""
        if request.authenticators:
            super().perform_authentication(request)
        else:
            # DRF's own step for nobody, which its stubs leave out.
            request._not_authenticated()  # type: ignore[attr-defined]

    def check_permissions(self, request: Request) -> None:
        """As DRF's, where there are any."""
        if self.permission_classes or type(self).get_permissions is not APIView.get_permissions:
            super().check_permissions(request)

    def get_exception_handler(self) -> Any:
        """The wire's own error bodies, whatever the project sets for its other views."""
        return errors.handle

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        """Refuse a request that comes too soon after too many others."""
        headers = {"X-Retry-After": retry_after(wait or 0)}
        raise errors.ApiError(429, None, errors.TOO_MANY_REQUESTS, headers=headers)

    @cached_property
    def http(self) -> HttpRequest:
        """Django's request behind DRF's."""
        http: HttpRequest = self.request._request
        return http

    @cached_property
    def api_options(self) -> ApiOptions:
        """The settings as they apply to this request."""
        return options_for(self.http)

    @cached_property
    def parameters(self) -> QueryDict:
        """The query parameters."""
        return self.http.GET if self.http.META.get("QUERY_STRING") else _NO_PARAMETERS

    @cached_property
    def jar(self) -> CookieJar:
        """The cookies of this request and its answer."""
        return CookieJar(self.api_options, self.http)

    def session_state(self, *, renew: bool = True, trust_cookie: bool = False) -> SessionState:
        """The session of the request; its cookies go onto the answer.

        Args:
            renew: ``False`` leaves the expiry as it is.
            trust_cookie: the handler only shows what the session cache cookie says, and changes
                nothing. Where sessions are stateless, the user is then not read.
        """
        state = self._state
        # What a plugin took from the cookie is confirmed once the handler asks for more.
        if state is None or (state.shown is not None and not trust_cookie):
            state = self._state = resolve(
                self.http, self.api_options, renew=renew, trust_cookie=trust_cookie
            )
        return state

    def forget_state(self) -> None:
        """Leave the cookies of the answer to the handler: the session is another one now."""
        self._state = None

    def sign_in(
        self,
        user: Any,
        answer: Callable[[Session], HttpResponse],
        *,
        method: str,
        factor: Factor,
        remember: bool = True,
    ) -> HttpResponse:
        """Sign in somebody whose credentials are right, unless a plugin steps between.

        Args:
            user: who.
            answer: makes the answer; the session's cookies are added to it.
            method: see :class:`~.signing_in.SignIn`.
            factor: likewise.
            remember: ``False`` for a session that ends with the browser.

        Raises:
            ApiError: a plugin or a hook refuses.
        """
        self.forget_state()
        attempt = SignIn(
            user=user,
            method=method,
            factor=factor,
            request=self.http,
            options=self.api_options,
            remember=remember,
        )
        return complete(attempt, answer)

    def require_session(self, *, trust_cookie: bool = False) -> SessionState:
        """The session of the request.

        Args:
            trust_cookie: see :meth:`session_state`.

        Raises:
            ApiError: 401 when nobody is signed in.
        """
        state = self.session_state(trust_cookie=trust_cookie)
        if state.session is None:
            raise errors.unauthorized()
        return state

    def require_fresh_session(self) -> SessionState:
        """The session of the request, opened not long ago (setting ``SESSION["FRESH_AGE"]``).

        Raises:
            ApiError: 401 when nobody is signed in, 403 when that was too long ago.
        """
        state = self.require_session()
        if not state.is_fresh(self.api_options):
            raise errors.ApiError(403, "SESSION_NOT_FRESH")
        return state

    def url_of(self, name: str, *, query: dict[str, str] | None = None, **kwargs: Any) -> str:
        """The absolute address of another endpoint, for mails and providers."""
        match = self.http.resolver_match
        namespace = match.namespace if match is not None else ""
        path = reverse(f"{namespace}:{name}" if namespace else name, kwargs=kwargs)
        parts = "&".join(f"{key}={encode(value)}" for key, value in (query or {}).items())
        return self.api_options.origin + path + (f"?{parts}" if parts else "")

    @property
    def letters(self) -> Letters:
        """The mails that this request leads to."""
        return Letters(self.url_of, self.api_options.secret, self.http)

    def redirect(self, url: str) -> HttpResponse:
        """302 without a body."""
        answer = HttpResponse(status=302, content_type="application/json")
        answer["Location"] = iri_to_uri(url)
        return answer
