"""What a request tells the log: who, by what way, from where."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.http.request import HttpHeaders

from .client import client_address, user_agent
from .conf import get_settings
from .errors import JazzAuthError
from .random_text import random_uuid

_REQUEST_ID = re.compile(r"[\w.:+/=-]{1,128}", re.ASCII)


def cause_of(request: HttpRequest) -> dict[str, str]:
    """The cause of what is written while ``request`` is answered, as known at this moment.

    Who acts is the user of Django's or DRF's authentication, or whom ``name_actor`` named.

    Args:
        request: Django's request.

    Returns:
        Texts for ``acting``. What the settings ``RECORD`` leave out, and what is not known, is
        missing.
    """
    who = _who(request)
    return {**_circumstances(request), **who} if who else _circumstances(request).copy()


def _circumstances(request: HttpRequest) -> dict[str, str]:
    """What is known of a request whoever acts; found out once, unless something changes."""
    settings = get_settings()
    meta = request.META
    known_by = (
        settings,
        getattr(request, "jazzauth_via", "web"),
        meta.get("REMOTE_ADDR"),
        meta.get("HTTP_X_FORWARDED_FOR"),
        meta.get("HTTP_USER_AGENT"),
    )
    kept: tuple[Any, dict[str, str]] | None = request.__dict__.get("jazzauth_circumstances")
    if kept is not None and kept[0] == known_by:
        return kept[1]
    record = settings.RECORD
    found = {"via": known_by[1], "request_id": request_id(request)}
    if record.IP_ADDRESS:
        found["ip_address"] = client_address(request)
    if record.USER_AGENT:
        found["user_agent"] = user_agent(request)
    found = {name: text for name, text in found.items() if text}
    request.jazzauth_circumstances = (known_by, found)  # type: ignore[attr-defined]
    return found


def name_actor(request: HttpRequest, user: Any) -> None:
    """Say who acts in ``request`` from now on: whoever just proved who they are.

    Args:
        request: Django's request.
        user: the user, or the primary key.
    """
    request.jazzauth_actor = getattr(user, "pk", user)  # type: ignore[attr-defined]


def request_id(request: HttpRequest) -> str:
    """The request's id: what a proxy in front gave it, else a random one; the same at each call."""
    known: str | None = request.__dict__.get("jazzauth_request_id")
    if known is None:
        header = get_settings().RECORD.REQUEST_ID_HEADER
        # Out of META: Django would make a dictionary of all headers first.
        given = request.META.get(HttpHeaders.to_wsgi_name(header), "") if header else ""
        known = given if given and _REQUEST_ID.fullmatch(given) else random_uuid()
        request.jazzauth_request_id = known  # type: ignore[attr-defined]
    return known


def _who(request: HttpRequest) -> dict[str, str]:
    mode = getattr(getattr(request, "auth", None), "auth_mode", "")
    named = request.__dict__.get("jazzauth_actor")
    if named is not None:
        kept: tuple[Any, str] | None = request.__dict__.get("jazzauth_actor_as_text")
        if kept is None or kept[0] is not named:
            kept = request.jazzauth_actor_as_text = (named, str(named))  # type: ignore[attr-defined]
        return {"actor": kept[1], "auth_mode": mode or "external"}
    try:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return {}
        return {"actor": str(user.pk), "auth_mode": mode or "session"}
    except JazzAuthError:  # a session or user that does not load cannot say who it is
        return {}
