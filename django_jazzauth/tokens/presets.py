"""Ready-made payloads for the setting ``JWT["CLAIMS"]``."""

from __future__ import annotations

from typing import Any

JAZZ = "JAZZ"
"""Value of ``JWT["CLAIMS"]`` that stands for :func:`jazz_claims`."""


def jazz_claims(user: Any, session: Any = None, /, **custom: Any) -> dict[str, Any]:
    """The payload for a Jazz server, which looks at nothing but ``sub`` and ``claims``.

    A project's own function adds to it: ``return jazz_claims(user, session, plan=user.plan)``.

    Args:
        user: whom the token is about. The role is its ``role`` where the model has one, otherwise
            ``admin`` for superusers and ``user`` for everybody else.
        session: not looked at.
        custom: further claims, for permissions to test as ``claims.<name>``.
    """
    role = getattr(user, "role", None)
    if not role:
        role = "admin" if getattr(user, "is_superuser", False) else "user"
    return {"claims": {"role": role, **custom}}
