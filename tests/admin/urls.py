"""The admin, with models of a third-party app besides our own."""

from __future__ import annotations

import contextlib

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.urls import path

from django_jazzauth.admin import EventSourcedAdminMixin
from tests.testapp.models import Letter, Patient, Ward


class WardAdmin(EventSourcedAdminMixin, admin.ModelAdmin):
    """A sealed, searchable name, and a value that is edited in the list."""

    list_display = ("name", "beds")
    list_editable = ("beds",)
    search_fields = ("name",)


class LetterInline(admin.TabularInline):
    """Plain rows on a sealed entity's page."""

    model = Letter
    extra = 0


class PatientAdmin(EventSourcedAdminMixin, admin.ModelAdmin):
    """Every kind of field."""

    list_display = ("record_no", "name", "owner", "active")
    list_filter = ("active",)
    ordering = ("-seen_at",)
    search_fields = ("record_no", "email", "owner__email", "name")
    scan_fields = ("notes",)
    secret_fields = ("notes",)
    autocomplete_fields = ("ward",)
    inlines = (LetterInline,)


for model, model_admin in ((Ward, WardAdmin), (Patient, PatientAdmin)):
    with contextlib.suppress(NotRegistered):
        admin.site.unregister(model)
    admin.site.register(model, model_admin)

urlpatterns = [path("admin/", admin.site.urls)]
