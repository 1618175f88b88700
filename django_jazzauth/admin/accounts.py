"""Linked accounts and verifications in the admin: to look at, without what is secret in them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Verification
from .mixin import EventSourcedAdminMixin


class _ReadOnlyAdmin(EventSourcedAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Neither made nor changed by hand.

    Deleting stays allowed to those with the permission: Django asks it of everything that goes
    along when a user is deleted.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The API makes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The API changes them."""
        return False


class AccountAdmin(_ReadOnlyAdmin):
    """Ways to sign in, without the tokens."""

    fields = (
        "id",
        "user",
        "provider_id",
        "account_id",
        "scope",
        "access_token_expires_at",
        "refresh_token_expires_at",
        "created_at",
        "updated_at",
    )
    readonly_fields = fields
    list_display = ("id", "provider_id", "user", "created_at", "updated_at")
    list_select_related = ("user",)
    ordering = ("-pk",)
    search_fields = ("user__email", "user__username", "user__id", "account_id", "id")


class VerificationAdmin(_ReadOnlyAdmin):
    """Values that may be redeemed once: when they were made and when they run out, no more."""

    fields = ("id", "created_at", "expires_at", "live")
    readonly_fields = fields
    list_display = ("id", "created_at", "expires_at", "live")
    ordering = ("-expires_at", "-pk")
    search_fields = ("id",)

    @admin.display(boolean=True, description=_("live"))
    def live(self, verification: Verification) -> bool:
        """Whether it has not run out."""
        return verification.expires_at > timezone.now()
