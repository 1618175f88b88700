"""What the admin says when the store refuses."""

from __future__ import annotations

from django.utils.translation import gettext

from ..errors import JazzAuthError, SealBroken


def explain(error: JazzAuthError) -> str:
    """The error as a message for people; it names the entity, never a value.

    Args:
        error: whatever the store reported.
    """
    if isinstance(error, SealBroken):
        return gettext(
            "The seal of %(entity)s is broken: %(reason)s. It was changed past the application, or "
            "is damaged. “manage.py jazzauth verify” says what is wrong with it."
        ) % {"entity": error.stream, "reason": error.reason.rstrip(".")}
    return f"{error} [{error.code}]"
