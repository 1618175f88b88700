"""The user model for projects that need no fields of their own."""

from __future__ import annotations

from ..sealed import HeadField
from .abstract_user import AbstractUser


class User(AbstractUser):
    """Set ``AUTH_USER_MODEL = "django_jazzauth.User"``, or extend :class:`AbstractUser`."""

    head = HeadField(entity="user")

    class Meta(AbstractUser.Meta):
        swappable = "AUTH_USER_MODEL"
        db_table = "jazzauth_user"
