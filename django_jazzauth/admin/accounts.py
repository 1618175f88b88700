"""Linked accounts and verifications in the admin: to look at, without what is secret in them."""

from __future__ import annotations

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..models import Verification
from .read_only import ReadOnlyAdmin


class AccountAdmin(ReadOnlyAdmin):
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


class VerificationAdmin(ReadOnlyAdmin):
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
