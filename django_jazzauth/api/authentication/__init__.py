"""DRF authentication classes, for a project's own views.

Each may be used alone, or several in a row, in
``REST_FRAMEWORK["DEFAULT_AUTHENTICATION_CLASSES"]``. ``request.auth`` is an :class:`AuthSession`.

* :class:`SessionCookieAuthentication`, :class:`BearerSessionAuthentication`: sessions of ours.
* :class:`JWTAuthentication`: tokens that ``/token`` gave out.
* :class:`ExternalJWTAuthentication`: tokens of another issuer, by its published keys.
* :class:`LocalFirstAuthentication`, :class:`AnonymousAuthentication`: tokens that a Jazz identity
  signed for itself.
* :class:`BackendAuthentication`: a trusted backend that acts as a user.
* :class:`JazzAuthentication`: the last four, in the order and with the refusals of a Jazz server.

A class leaves alone what is not its kind of credential, and refuses what is and is wrong. Only
:class:`JazzAuthentication` also refuses ``Authorization`` headers that it does not understand, so
it belongs last in a row.
"""

from __future__ import annotations

from .backend import BackendAuthentication
from .external import ExternalJWTAuthentication
from .failures import Unauthenticated
from .jazz import JazzAuthentication
from .own_tokens import JWTAuthentication
from .self_signed import AnonymousAuthentication, LocalFirstAuthentication
from .session import AuthMode, AuthSession, ExternalUser, LocalFirstUser
from .stored_sessions import BearerSessionAuthentication, SessionCookieAuthentication

__all__ = [
    "AnonymousAuthentication",
    "AuthMode",
    "AuthSession",
    "BackendAuthentication",
    "BearerSessionAuthentication",
    "ExternalJWTAuthentication",
    "ExternalUser",
    "JWTAuthentication",
    "JazzAuthentication",
    "LocalFirstAuthentication",
    "LocalFirstUser",
    "SessionCookieAuthentication",
    "Unauthenticated",
]
