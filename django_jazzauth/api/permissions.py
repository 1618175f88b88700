"""DRF permission classes that ask how a request was authenticated."""

from __future__ import annotations

from typing import Any, get_args

from rest_framework.permissions import BasePermission, OperationHolderMixin
from rest_framework.request import Request
from rest_framework.views import APIView

from .authentication.session import AuthMode, AuthSession


def mode_of(request: Request) -> AuthMode | None:
    """The mode of an authenticated request; ``None`` if no class of ours authenticated it."""
    session = request.auth
    return session.auth_mode if isinstance(session, AuthSession) else None


class _InModes(BasePermission):
    modes: tuple[AuthMode, ...] = ()

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the request was authenticated in one of the modes."""
        return mode_of(request) in self.modes


class IsExternal(_InModes):
    """Somebody with an account, here or at another issuer."""

    modes = ("external",)


class IsLocalFirst(_InModes):
    """A device that keeps its identity."""

    modes = ("local-first",)


class AuthModeIn(OperationHolderMixin):
    """``permission_classes = [AuthModeIn("external", "local-first")]``.

    Combines with others by ``&``, ``|`` and ``~``, as classes do.

    Args:
        modes: of which one will do.

    Raises:
        ValueError: a mode that does not exist, or none at all.
    """

    def __init__(self, *modes: AuthMode) -> None:
        known = get_args(AuthMode)
        if not modes or any(mode not in known for mode in modes):
            raise ValueError(f"AuthModeIn takes one or more of {', '.join(known)}")
        self.modes = modes

    def __call__(self, *args: Any, **kwargs: Any) -> BasePermission:
        """The permission; DRF calls this where a class stands otherwise."""
        permission = _InModes()
        permission.modes = self.modes
        return permission
