"""What a request tells the log: who, by what way, from where."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import HttpRequest
from django.http.request import HttpHeaders

from .client import client_address, user_agent
from .conf import get_settings
from .errors import JazzAuthError

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
    record = get_settings().RECORD
    cause = {
        "via": getattr(request, "jazzauth_via", "web"),
        "request_id": request_id(request),
        **_who(request),
    }
    if record.IP_ADDRESS:
        cause["ip_address"] = client_address(request)
    if record.USER_AGENT:
        cause["user_agent"] = user_agent(request)
    return {name: text for name, text in cause.items() if text}


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
        known = given if given and _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        request.jazzauth_request_id = known  # type: ignore[attr-defined]
    return known


def _who(request: HttpRequest) -> dict[str, str]:
    mode = getattr(getattr(request, "auth", None), "auth_mode", "")
    named = request.__dict__.get("jazzauth_actor")
    if named is not None:
        return {"actor": str(named), "auth_mode": mode or "external"}
    try:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return {}
        return {"actor": str(user.pk), "auth_mode": mode or "session"}
    except JazzAuthError:  # a session or user that does not load cannot say who it is
        return {}
