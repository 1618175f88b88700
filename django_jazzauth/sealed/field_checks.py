"""The system checks of a sealed field: ``jazzauth.E020`` to ``E022``."""

from __future__ import annotations

from typing import Any

from django.core import checks


def check_sealed(field: Any) -> list[checks.CheckMessage]:
    """What is wrong with the options of a sealed field, or with the model that it is of."""
    errors: list[checks.CheckMessage] = []
    if field.primary_key:
        errors.append(
            checks.Error(
                "A sealed field cannot be the primary key.",
                hint="Use a UUID or integer key and make this field unique and searchable.",
                obj=field,
                id="jazzauth.E020",
            )
        )
    if (field.unique or field.casefold) and not field.searchable:
        errors.append(
            checks.Error(
                "unique and casefold need searchable=True.",
                hint="Add searchable=True; only a searchable field has a column to compare.",
                obj=field,
                id="jazzauth.E021",
            )
        )
    if not hasattr(field.model._meta, "sealed_head"):
        errors.append(
            checks.Error(
                "A sealed field needs an event-sourced model.",
                hint="Derive the model from django_jazzauth.sealed.EventSourcedModel.",
                obj=field,
                id="jazzauth.E022",
            )
        )
    return errors
