"""Sessions in the admin: who is signed in where, and a way to end it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..models import Session
from .mixin import EventSourcedAdminMixin


class StateFilter(admin.SimpleListFilter):
    """Sessions that still hold, or that have run out."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two states."""
        return [("live", _("Live")), ("expired", _("Expired"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """By the index on ``expires_at``."""
        if self.value() == "live":
            return queryset.filter(expires_at__gt=timezone.now())
        if self.value() == "expired":
            return queryset.filter(expires_at__lte=timezone.now())
        return queryset


class SessionAdmin(EventSourcedAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]
    """Listed, looked at and revoked; never made or changed by hand. Tokens are not shown."""

    fields = (
        "id",
        "user",
        "live",
        "created_at",
        "updated_at",
        "expires_at",
        "ip_address",
        "user_agent",
        "impersonated_by",
    )
    readonly_fields = fields
    list_filter = (StateFilter,)
    list_select_related = ("user",)
    ordering = ("-expires_at", "-pk")
    search_fields = ("user__email", "user__username", "user__id", "id")
    scan_fields = ("ip_address", "user_agent")
    actions = ("revoke",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """With a column that marks the session of whoever is looking."""

        @admin.display(boolean=True, description=_("this one"))
        def current(session: Session) -> bool:
            return is_current(request, session)

        return ("user", "created_at", "expires_at", "live", current)

    @admin.display(boolean=True, description=_("live"))
    def live(self, session: Session) -> bool:
        """Whether it has not run out."""
        return session.expires_at > timezone.now()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A session comes from signing in."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """There is nothing to change by hand."""
        return False

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        """``revoke`` in the place of ``delete_selected``: it is the same."""
        # Django 6.1 says where they are offered; before, there was only one place.
        where = () if action_location is None else (action_location,)
        actions = super().get_actions(request, *where)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(permissions=["delete"], description=_("Revoke selected sessions"))
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        """End the selected sessions, but not the one in use."""
        sessions = list(queryset)
        others = [session for session in sessions if not is_current(request, session)]
        if others:
            self.log_deletions(request, others)
            Session.objects.using(queryset.db).filter(pk__in=[s.pk for s in others]).delete()
            text = ngettext("%d session revoked.", "%d sessions revoked.", len(others))
            self.message_user(request, text % len(others), messages.SUCCESS)
        if len(others) < len(sessions):
            self.message_user(request, _own_session(), messages.WARNING)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """As the action: the session in use is left alone."""
        own = Session.objects.filter(token=request.session.session_key).first()
        if own is not None and str(own.pk) == unquote(object_id):
            messages.warning(request, _own_session())
            return HttpResponseRedirect(
                reverse(
                    f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist",
                    current_app=self.admin_site.name,
                )
            )
        return super().delete_view(request, object_id, extra_context)


def is_current(request: HttpRequest, session: Session) -> bool:
    """Whether it is the session that the request came with."""
    return bool(session.token == request.session.session_key)


def _own_session() -> str:
    return gettext("The session that you are using was left alone: log out to end it.")
