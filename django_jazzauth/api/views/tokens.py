"""``/token`` and ``/jwks``."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from rest_framework.request import Request

from ...tokens.jwks import MAX_AGE, key_set
from ..answers import NOT_MODIFIED, answers
from ..endpoint import Endpoint
from ..issuing import token_for, token_for_payload
from ..payloads import JwksPayload, TokenPayload
from ..responses import Response

_CONDITIONS = frozenset(
    f"HTTP_IF_{name}" for name in ("MATCH", "NONE_MATCH", "MODIFIED_SINCE", "UNMODIFIED_SINCE")
)


class TokenView(Endpoint):
    """A JWT for the signed-in user."""

    @answers(TokenPayload, session="required", operation="getJSONWebToken")
    def get(self, request: Request) -> Response:
        """``{token}``; 401 when nobody is signed in."""
        state = self.require_session(trust_cookie=True)
        if state.shown is not None:
            token = token_for_payload(state.shown["user"], self.api_options)
            if token is not None:
                return Response({"token": token})
            state = self.require_session()
        assert state.session is not None
        return Response({"token": token_for(state.session, self.api_options)})


class JwksView(Endpoint):
    """The public keys that JWTs are verified with."""

    @answers(JwksPayload, NOT_MODIFIED, operation="getJSONWebKeySet")
    def get(self, request: Request) -> HttpResponse:
        """``{keys}``; 304 when the client has them already."""
        keys = key_set()
        answer = HttpResponse(keys.body, content_type="application/json")
        answer["ETag"] = keys.etag
        answer["Cache-Control"] = f"public, max-age={MAX_AGE}"
        if not _CONDITIONS & self.http.META.keys():
            return answer
        matched = get_conditional_response(self.http, etag=keys.etag, response=answer)
        return matched if isinstance(matched, HttpResponse) else answer
