"""Permissions for what the log allows: to reveal, to restore, to shred.

They are made after ``migrate``, for every event-sourced model, beside Django's own four.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps as global_apps
from django.contrib.auth import get_permission_codename
from django.db import DEFAULT_DB_ALIAS, router

ACTIONS = {"reveal": "Can reveal", "restore": "Can restore", "shred": "Can shred"}


def may(user: Any, action: str, model: Any) -> bool:
    """Whether a user may do it; superusers may.

    Args:
        user: who.
        action: ``reveal``, ``restore`` or ``shred``.
        model: the event-sourced model.
    """
    meta = model._meta
    return bool(user.has_perm(f"{meta.app_label}.{get_permission_codename(action, meta)}"))


def make_permissions(
    app_config: Any, using: str = DEFAULT_DB_ALIAS, apps: Any = global_apps, **kwargs: Any
) -> None:
    """Make those of an app that are missing; connected to ``post_migrate``."""
    try:
        config = apps.get_app_config(app_config.label)
        permission = apps.get_model("auth", "Permission")
        content_type = apps.get_model("contenttypes", "ContentType")
    except LookupError:
        return
    if not router.allow_migrate_model(using, permission):
        return
    rows = permission.objects.using(using)
    for model in config.get_models():
        meta = model._meta
        if getattr(meta, "sealed_head", None) is None or meta.proxy:
            continue
        kind = content_type.objects.db_manager(using).get_for_model(model, for_concrete_model=False)
        known = set(rows.filter(content_type=kind).values_list("codename", flat=True))
        wanted = {get_permission_codename(action, meta): text for action, text in ACTIONS.items()}
        rows.bulk_create(
            permission(content_type=kind, codename=name, name=f"{text} {meta.verbose_name}"[:255])
            for name, text in wanted.items()
            if name not in known
        )
