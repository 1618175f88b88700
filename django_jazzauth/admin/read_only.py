"""The admin of models that only programs write."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .mixin import EventSourcedAdminMixin


class ReadOnlyAdmin(EventSourcedAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Neither made nor changed by hand.

    Deleting stays allowed to those with the permission: Django asks it of everything that goes
    along when a user is deleted.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Programs make them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Programs change them."""
        return False
