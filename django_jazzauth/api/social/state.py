"""What has to be remembered while somebody is away at a provider.

It lies in the database, sealed, under a random name. The name goes to the provider and comes back;
a signed cookie with the same name makes sure that it comes back in the same browser.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from django.http import HttpRequest

from ...models import Verification
from ..verifications import issue, use_up

STATE_COOKIE = "state"
STATE_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """A sign-in that waits for its callback. Not shown by ``repr``.

    Attributes:
        provider: name of the one that was asked.
        verifier: of PKCE.
        nonce: what its ID token must carry.
        callback_url: where to go on; None: the site itself.
        error_url: where to go if it fails; None: the error page.
        new_user_url: where to go after a sign-up; None: as callback_url.
        sign_up: whether it was asked for expressly.
        link_user: id of the signed-in user who links an account; None for a sign-in.
    """

    provider: str
    verifier: str
    nonce: str
    callback_url: str | None = None
    error_url: str | None = None
    new_user_url: str | None = None
    sign_up: bool = False
    link_user: str | None = None

    def __repr__(self) -> str:
        return f"<PendingSignIn at {self.provider}>"


def new_verifier() -> str:
    """A PKCE code verifier (RFC 7636, 4.1)."""
    return secrets.token_urlsafe(64)


def new_name() -> str:
    """32 URL-safe characters: a state or a nonce."""
    return secrets.token_urlsafe(24)


def remember(pending: PendingSignIn, request: HttpRequest) -> str:
    """Store it for five minutes; returns its name, the ``state``."""
    name = new_name()
    issue(_identifier(name), json.dumps(asdict(pending)), seconds=STATE_SECONDS, request=request)
    return name


def peek(name: str) -> PendingSignIn | None:
    """What is stored under ``name``, without using it up."""
    if not _proper(name):
        return None
    live = Verification.objects.filter(identifier=_identifier(name)).first()
    return None if live is None else PendingSignIn(**json.loads(live.value))


def take(name: str) -> PendingSignIn | None:
    """What is stored under ``name``, for the first who asks."""
    value = use_up(_identifier(name)) if _proper(name) else None
    return None if value is None else PendingSignIn(**json.loads(value))


def _identifier(name: str) -> str:
    return f"oauth-state:{name}"


def _proper(name: str) -> bool:
    return len(name) <= 64 and name.isascii() and name.isprintable()
