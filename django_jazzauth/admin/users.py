"""Users in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ..sealed import SealedFieldMixin
from .mixin import EventSourcedAdminMixin


class UserCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """Django's form, without its search through all usernames.

    Django refuses a username that differs from another in case only. Where the field has a
    case-folded companion, so does this; otherwise that would mean opening every head, and only an
    equal username is refused.
    """

    def clean_username(self) -> Any:
        """Refuse a username that is taken."""
        username = self.cleaned_data.get("username")
        model: Any = self._meta.model
        field = model._meta.get_field("username")
        folded = not isinstance(field, SealedFieldMixin) or field.casefold
        lookup = "username__iexact" if folded else "username"
        if username and model._base_manager.filter(**{lookup: username}).exists():
            error = self.instance.unique_error_message(model, ["username"])
            self._update_errors(ValidationError({"username": error}))  # type: ignore[attr-defined]
        return username


class UserAdmin(EventSourcedAdminMixin, DjangoUserAdmin):  # type: ignore[type-arg]
    """For ``django_jazzauth.User`` and any other model derived from its ``AbstractUser``."""

    add_form = UserCreationForm
    list_display = (
        "username",
        "email",
        "name",
        "is_staff",
        "is_active",
        "email_verified",
        "date_joined",
    )
    list_filter = ("is_staff", "is_superuser", "is_active", "email_verified")
    # Both the same way, so that an index on date_joined gives the order on every database.
    ordering = ("-date_joined", "-pk")
    search_fields = ("email", "username", "id")
    scan_fields = ("name", "first_name", "last_name", "display_username")
    readonly_fields = ("id", "is_guest", "updated_at")
    fieldsets = (
        (None, {"fields": ("username", "password", "id")}),
        (
            _("Personal info"),
            {
                "fields": (
                    *("name", "first_name", "last_name", "display_username"),
                    *("email", "email_verified", "image", "is_guest"),
                )
            },
        ),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Important dates"), {"fields": ("last_login", "date_joined", "updated_at")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "username",
                    "email",
                    "name",
                    "usable_password",
                    "password1",
                    "password2",
                ),
            },
        ),
    )

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Django's, on the record and without server errors."""
        view = super().user_change_password
        return self.on_record(request, lambda: view(request, id, form_url))
