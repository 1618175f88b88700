"""Signing in: checking a password, opening the session, and what plugins have to say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest, HttpResponse

from ..hashers import verify_against_nobody
from ..models import Session
from ..request_cause import name_actor
from ..user_model import user_model
from . import plugins
from .afterwards import afterwards
from .cookies import CookieJar
from .options import ApiOptions
from .session_state import open_session

Factor = Literal["password", "mailbox", "provider", "passkey", "phone", "guest"]


@dataclass(slots=True)
class SignIn:
    """A sign-in by right credentials.

    Attributes:
        user: who signs in.
        method: how, by a stable name: ``email``, ``username``, ``verify-email``, the name of a
            provider, and whatever plugins call theirs.
        factor: what was proven: a password, that a mailbox or a phone is one's own, an account at a
            provider, a passkey; or nothing, for a guest. A second factor is asked for after a
            password.
        request: Django's.
        options: as they apply to it.
        remember: ``False`` for a session that ends with the browser.
        session: once it is open; ``None`` before, and where a plugin stepped between.
    """

    user: Any
    method: str
    factor: Factor
    request: HttpRequest
    options: ApiOptions
    remember: bool = True
    session: Session | None = None

    @property
    def jar(self) -> CookieJar:
        """The cookies of the request and its answer."""
        return CookieJar(self.options, self.request)


def complete(sign_in: SignIn, answer: Callable[[Session], HttpResponse]) -> HttpResponse:
    """Open the session and set its cookies, unless a plugin steps between.

    A plugin that stepped between calls this again, with another ``method``, when it is satisfied.

    Args:
        sign_in: gets its ``session``.
        answer: makes the answer out of the session.

    Raises:
        ApiError: a plugin or a hook refuses.
    """
    name_actor(sign_in.request, sign_in.user)
    registry = plugins.installed()
    for step_between in registry.before_sign_in:
        response: HttpResponse | None = step_between(sign_in)
        if response is not None:
            break
    else:
        user, request = sign_in.user, sign_in.request
        # One of its receivers writes ``last_login``.
        note = partial(user_logged_in.send, sender=type(user), request=request, user=user)
        sign_in.session = session = open_session(
            user, request, sign_in.options, remember=sign_in.remember, along=note
        )
        response = answer(session)
        sign_in.jar.write_session(response, session, remember=sign_in.remember)
    for follow in registry.after_sign_in:
        afterwards(partial(follow, sign_in, response))
    return response


def user_with_password(email: str, password: str, request: HttpRequest) -> Any:
    """The active user of that e-mail and password, or ``None``."""
    user = user_model()._default_manager.with_email(email)
    return if_correct(user, password, {"email": email}, request)


def if_correct(user: Any, password: str, credentials: dict[str, str], request: HttpRequest) -> Any:
    """``user`` if they are active and the password is theirs, else ``None``.

    The work is the same whether there is such a user or not: one look-up and one hash.

    Args:
        user: who was found by what was typed, or ``None``.
        password: as typed.
        credentials: what else was typed, for Django's ``user_login_failed``.
        request: the one that asks.
    """
    if user is None:
        verify_against_nobody(password)
        correct = False
    else:
        # For an unusable password Django hashes a random one, so that costs the same too.
        correct = user.check_password(password)
    if user is None or not correct or not user.is_active:
        user_login_failed.send(
            sender=__name__, credentials={**credentials, "password": "*" * 20}, request=request
        )
        return None
    return user
