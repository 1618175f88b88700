"""Signing keys in the admin: to look at, without the private part."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ...admin.read_only import ReadOnlyAdmin
from ...models import SigningKey


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    """Which keys there are, and when they sign. They are made and replaced by
    ``manage.py jazzauth signing-keys rotate``.
    """

    fields = ("id", "algorithm", "public_part", "created_at", "active_from", "expires_at")
    readonly_fields = fields
    list_display = ("id", "algorithm", "created_at", "active_from", "expires_at")
    ordering = ("-created_at", "-pk")
    search_fields = ("id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What it signed could no longer be verified."""
        return False

    @admin.display(description=_("public key"))
    def public_part(self, key: SigningKey) -> str:
        """The key as `/jwks` shows it."""
        return json.dumps(key.public_jwk, indent=2)
