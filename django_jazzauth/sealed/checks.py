"""System checks of event-sourced models.

``jazzauth.E020``  a sealed field is the primary key (see ``fields``).
``jazzauth.E021``  ``unique`` or ``casefold`` without ``searchable`` (see ``fields``).
``jazzauth.E022``  a sealed field on a model that is not event-sourced (see ``fields``).
``jazzauth.E023``  a constraint over a sealed field that SQL cannot compare.
``jazzauth.E024``  the subject named by ``HeadField`` is no foreign key.
``jazzauth.E025``  a child table of an event-sourced model without a head of its own.
``jazzauth.E026``  two models have one entity name.
``jazzauth.E027``  a planned migration changes a field's type, and no upcaster converts old values.
``jazzauth.E028``  a planned migration renames a field, and no alias says so.
``jazzauth.E029``  a sealed field with a ``db_default``.
``jazzauth.E030``  a schema number without its upcaster, or an upcaster that nothing reaches.
``jazzauth.W020``  a many-to-many relation with a ``through`` model of the project's own.
``jazzauth.W021``  a searchable field that has few possible values.
``jazzauth.W022``  ``HeadField`` without an entity name.
``jazzauth.W023``  an ``on_delete`` that Django carries out past the queryset.
``jazzauth.W024``  a planned migration removes a field that events hold, and nothing says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core import checks
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from .binding import loading_binding
from .kinds import SealedKind
from .on_delete import is_followed


def check_model(model: Any) -> list[checks.CheckMessage]:
    """What is wrong with an event-sourced model.

    Args:
        model: the class; proxies and abstract classes are passed over.
    """
    meta = model._meta
    if meta.abstract or meta.proxy or meta.swapped or loading_binding(model) is None:
        return []
    if "sealed_head" not in meta.__dict__:
        return [
            checks.Error(
                "Its own columns would bypass the log: only its parent's are journalled.",
                hint="Give it a head: own_head = HeadField(entity=…).",
                obj=model,
                id="jazzauth.E025",
            )
        ]
    return [
        *_check_head(model, meta.sealed_head),
        *_check_constraints(model),
        *_check_fields(model),
    ]


def _check_head(model: Any, head: Any) -> Iterator[checks.CheckMessage]:
    if not head.named:
        yield checks.Warning(
            f'Its streams are named after the class, "{head.entity}": renaming it would lose them.',
            hint=f'Name them for good: head = HeadField(entity="{model._meta.model_name}").',
            obj=model,
            id="jazzauth.W022",
        )
    missing = sorted(set(range(1, head.schema)) ^ set(head.upcasters))
    if missing:
        numbers = ", ".join(map(str, missing))
        yield checks.Error(
            f"Its schema is {head.schema}, and its upcasters are not those of the schemas before "
            f"it: {numbers}.",
            hint="Give each schema before the present one its upcaster; lenses.Lenses() where "
            "states did not change.",
            obj=model,
            id="jazzauth.E030",
        )
    if head.subject is not None:
        try:
            field = model._meta.get_field(head.subject)
        except FieldDoesNotExist:
            field = None
        if field is None or not field.concrete or not field.remote_field or field.many_to_many:
            yield checks.Error(
                f"The subject {head.subject!r} names no foreign key of the model.",
                hint="Name the foreign key to the person that the entity belongs to.",
                obj=model,
                id="jazzauth.E024",
            )
    for other in model._meta.apps.get_models():
        own = other._meta.__dict__.get("sealed_head")
        if own is not None and other is not model and own.entity == head.entity:
            yield checks.Error(
                f'Its entity name "{head.entity}" is that of {other._meta.label}, too.',
                hint="Give each model a HeadField with an entity name of its own.",
                obj=model,
                id="jazzauth.E026",
            )


def _check_constraints(model: Any) -> Iterator[checks.CheckMessage]:
    blind = {
        field.name
        for field in model._meta.local_concrete_fields
        if isinstance(field, SealedKind) and not field.searchable
    }
    groups = [set(names) for names in model._meta.unique_together]
    groups += [
        set(constraint.fields)
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint)
    ]
    for names in groups:
        for name in sorted(names & blind):
            yield checks.Error(
                f"A unique constraint names {name}, whose column only tells whether there is a "
                "value.",
                hint=f"Declare {name} with searchable=True.",
                obj=model,
                id="jazzauth.E023",
            )


def _check_fields(model: Any) -> Iterator[checks.CheckMessage]:
    for field in model._meta.local_concrete_fields:
        few = bool(field.choices) or isinstance(field, models.BooleanField)
        if few and isinstance(field, SealedKind) and field.searchable:
            yield checks.Warning(
                "It is searchable and has few possible values: counting equal ciphertexts would "
                "show them.",
                hint="Leave searchable out, or keep the field plain.",
                obj=field,
                id="jazzauth.W021",
            )
        if field.has_db_default() and isinstance(field, SealedKind):
            yield checks.Error(
                "A sealed field cannot have a db_default: the database would store it readable.",
                hint="Use default.",
                obj=field,
                id="jazzauth.E029",
            )
        on_delete = getattr(field.remote_field, "on_delete", None)
        if on_delete is not None and not is_followed(on_delete):
            yield checks.Warning(
                "Its on_delete changes rows past the queryset, and so past the log: deleting what "
                "a row points at is refused.",
                hint="Use SET_NULL, SET() or SET_DEFAULT, or set lazy_sub_objs = True on the "
                "function.",
                obj=field,
                id="jazzauth.W023",
            )
    for field in model._meta.local_many_to_many:
        through = field.remote_field.through
        if not through._meta.auto_created and loading_binding(through) is None:
            yield checks.Warning(
                f"Its members are rows of {through._meta.label}, which is not event-sourced: they "
                "are neither journalled nor part of the head.",
                hint=f"Derive {through._meta.object_name} from EventSourcedModel.",
                obj=field,
                id="jazzauth.W020",
            )
