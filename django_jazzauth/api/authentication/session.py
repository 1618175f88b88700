"""Who a request comes from: ``request.auth``, and ``request.user`` for those without an account."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.contrib.auth.models import Group, Permission
from django.db.models.manager import EmptyManager

from ...models import Session

AuthMode = Literal["external", "local-first", "anonymous"]


@dataclass(frozen=True, slots=True)
class AuthSession:
    """How a request was authenticated.

    Attributes:
        user_id: the id that ``sub`` would have; what Jazz records as the owner of rows.
        auth_mode: ``external`` for everybody with an account, here or at another issuer.
        claims: of the token, as a Jazz server sees them: what stood in its member ``claims``, with
            ``subject`` and ``issuer``. Empty for self-signed tokens and stored sessions.
        session: the stored session, ``None`` where there is none.
    """

    user_id: str
    auth_mode: AuthMode = "external"
    claims: dict[str, Any] = field(default_factory=dict)
    session: Session | None = None

    def as_cookie_session(self) -> dict[str, Any]:
        """``{user_id, claims, authMode}``: the form that a Jazz client takes as cookieSession."""
        return {"user_id": self.user_id, "claims": self.claims, "authMode": self.auth_mode}


class _WithoutRow:
    """Somebody who has proven an id and has no row in the user table: no permissions at all."""

    username = ""
    is_active = True
    is_staff = False
    is_superuser = False
    is_anonymous = False
    is_authenticated = True
    groups = EmptyManager(Group)
    user_permissions = EmptyManager(Permission)

    def __init__(self, user_id: Any) -> None:
        self.id = user_id
        self.pk = user_id

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and bool(other.pk == self.pk)

    def __hash__(self) -> int:
        return hash((type(self), self.pk))

    def get_username(self) -> str:
        """The id: there is no other name."""
        return str(self.pk)

    def get_user_permissions(self, obj: Any = None) -> set[str]:
        """None."""
        return set()

    def get_group_permissions(self, obj: Any = None) -> set[str]:
        """None."""
        return set()

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        """None."""
        return set()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Never: no backend is asked, so none can grant anything by the id alone."""
        return False

    def has_perms(self, perm_list: Iterable[str], obj: Any = None) -> bool:
        """Only where none are needed, as in Django."""
        return not list(perm_list)

    def has_module_perms(self, module: str) -> bool:
        """Never."""
        return False


class LocalFirstUser(_WithoutRow):
    """The holder of a local-first or an anonymous identity.

    That is so even if somebody signed up with this identity: whoever holds a device's secret has
    not given the password, and gets nothing that the account may do.

    Attributes:
        id, pk: the id; a ``uuid.UUID`` where it is one.
        auth_mode: ``local-first`` or ``anonymous``.
    """

    def __init__(self, user_id: uuid.UUID | str, auth_mode: AuthMode = "local-first") -> None:
        super().__init__(user_id)
        self.auth_mode = auth_mode


class ExternalUser(_WithoutRow):
    """A user of another issuer, named by its ``sub``.

    Attributes:
        id, pk: ``sub``, as text. Not looked up in the user table: an issuer of other people's
            names must not be able to name an account of this site.
    """
