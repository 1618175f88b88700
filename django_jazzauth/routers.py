"""Database routers for projects whose reads may go to a replica.

A replica lags. Whoever decides by it whether somebody is signed in honours a session that was
revoked a moment ago, or a password that was changed. So what decides about access is read where it
is written, whatever other routers say of the project's own models.
"""

from __future__ import annotations

import random
from contextvars import ContextVar
from typing import Any, ClassVar

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, connections

_OWN = "django_jazzauth"

# Groups and permissions.
_ACCESS_APPS = frozenset({"auth", "contenttypes"})

# Set twice by every request, also of projects without a router: asgiref's Local is dear for that.
_wrote: ContextVar[bool] = ContextVar("jazzauth_wrote", default=False)


def decides_access(model: type[Any]) -> bool:
    """Whether rows of a model decide who is signed in, and what they may do.

    Those of this package and of its plugins, the user model with its join tables, and Django's
    groups and permissions.
    """
    # The join tables of a model are its own.
    owner: Any = model._meta.auto_created or model
    label = owner._meta.app_label
    if label in _ACCESS_APPS or issubclass(owner, get_user_model()):
        return True
    name = apps.get_app_config(label).name
    return name == _OWN or name.startswith(f"{_OWN}.")


class PrimaryRouter:
    """Reads what decides about access where it is written; says nothing about other models.

    Put it first::

        DATABASE_ROUTERS = ["django_jazzauth.routers.PrimaryRouter", "clinic.routers.Replicas"]

    Attributes:
        primary: alias that everything is written to.
    """

    primary: ClassVar[str] = DEFAULT_DB_ALIAS

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        """The primary, if the model decides about access."""
        return self.primary if decides_access(model) else None


class ReplicaRouter(PrimaryRouter):
    """Reads other models from replicas, except within a request or transaction that wrote.

    Derive your own from it and name it in ``DATABASE_ROUTERS``::

        class Router(ReplicaRouter):
            replicas = ("replica",)

    Attributes:
        replicas: aliases of replicas of the primary.
    """

    replicas: ClassVar[tuple[str, ...]] = ()

    def db_for_read(self, model: type[Any], **hints: Any) -> str:
        """A replica, unless what was just written would be missed there."""
        wrote = _wrote.get() or connections[self.primary].in_atomic_block
        if wrote or not self.replicas or decides_access(model):
            return self.primary
        return random.choice(self.replicas)  # noqa: S311 - shares load, guards nothing

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        """The primary; from now on this request, or thread outside of one, reads there as well."""
        _wrote.set(True)
        return self.primary

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Rows of the primary and of its replicas are rows of one database."""
        known = {self.primary, *self.replicas}
        return True if {obj1._state.db, obj2._state.db} <= known else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Replicas get their tables from the primary."""
        return False if db in self.replicas else None


def forget_writes(**kwargs: Any) -> None:
    """Let this thread read from replicas again; a request begins and ends with it."""
    _wrote.set(False)


request_started.connect(forget_writes, dispatch_uid="jazzauth_routers_start")
request_finished.connect(forget_writes, dispatch_uid="jazzauth_routers_end")
