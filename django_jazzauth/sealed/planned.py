"""Checks of migrations that are about to run: can what the log holds still be read afterwards?

``jazzauth.E027``, ``E028`` and ``W024``; the list is in ``checks``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError, connections, migrations
from django.db.migrations.loader import MigrationLoader

from ..store.models import EVENT_TABLE
from ..store.models import Event as EventRecord
from .codec import kind_of
from .head_field import HeadField
from .kinds import FoldedKind

_LOOKED_AT = (migrations.AlterField, migrations.RenameField, migrations.RemoveField)


def check_planned_migrations(databases: Sequence[str] | None = None, **kwargs: Any) -> Any:
    """``jazzauth.E027``, ``E028`` and ``W024``, for migrations that a database has not seen yet.

    Args:
        databases: aliases; Django names them for ``migrate`` and ``check --database``.
        kwargs: not used.
    """
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            connection = connections[alias]
            if EVENT_TABLE in connection.introspection.table_names():
                found += _check(alias, MigrationLoader(connection))
        except DatabaseError:
            continue
    return found


def _check(alias: str, loader: MigrationLoader) -> Iterator[CheckMessage]:
    present: dict[str, Any] = {
        model._meta.__dict__["sealed_head"].entity: model
        for model in apps.get_models()
        if "sealed_head" in model._meta.__dict__
    }
    labels = {model._meta.app_label for model in present.values()}
    graph = loader.graph
    new = {node for node in graph.nodes if node not in loader.applied_migrations}
    if not any(app_label in labels for app_label, _ in new):
        return
    state = loader.project_state(())
    done: set[tuple[str, str]] = set()
    for leaf in graph.leaf_nodes():
        for node in graph.forwards_plan(leaf):
            if node in done:
                continue
            done.add(node)
            schemas = _schemas(state, node[0]) if node in new else {}
            for operation in graph.nodes[node].operations:
                if node in new:
                    yield from _check_operation(alias, node[0], operation, state, schemas, present)
                operation.state_forwards(node[0], state)


def _heads(state: Any, app_label: str) -> Iterator[tuple[str, HeadField]]:
    for (label, name), model in state.models.items():
        if label == app_label:
            for field in model.fields.values():
                if isinstance(field, HeadField):
                    yield name, field


def _schemas(state: Any, app_label: str) -> dict[str, int]:
    return {name: head.schema for name, head in _heads(state, app_label)}


def _check_operation(
    alias: str,
    app_label: str,
    operation: Any,
    state: Any,
    schemas: dict[str, int],
    present: dict[str, Any],
) -> Iterator[CheckMessage]:
    if not isinstance(operation, _LOOKED_AT):
        return
    name = operation.model_name_lower
    head = dict(_heads(state, app_label)).get(name)
    if head is None or name not in schemas:
        return
    entity = head._entity or f"{app_label}.{name}"
    model = present.get(entity)
    if model is None:
        return
    final = model._meta.sealed_head
    if isinstance(operation, migrations.RenameField):
        old, new = operation.old_name, operation.new_name
        told = final.renames_from(schemas[name])
        if old not in told and _has_events(alias, entity):
            yield Error(
                f"A migration renames its field {old} to {new}, and events hold values of {old}.",
                hint="Say so in its HeadField, with the renaming: "
                f'aliases={{"{old}": "{new}"}}, or '
                f'lenses.Rename("{old}", "{new}") in an upcaster.',
                obj=model,
                id="jazzauth.E028",
            )
        return
    before = state.models[app_label, name].fields[operation.name]
    if isinstance(operation, migrations.RemoveField):
        plain = before.many_to_many or isinstance(before, (FoldedKind, HeadField))
        gone = operation.name not in final.settled_from(schemas[name])
        back = any(field.name == operation.name for field in model._meta.get_fields())
        if gone and not plain and not back and _has_events(alias, entity):
            yield Warning(
                f"A migration removes its field {operation.name}, and events hold values of it.",
                hint="If other fields take its place, say how in an upcaster. If not, name it in "
                f'its HeadField: retired=("{operation.name}",).',
                obj=model,
                id="jazzauth.W024",
            )
        return
    if before.is_relation or operation.field.is_relation or isinstance(before, HeadField):
        return
    one, other = kind_of(before), kind_of(operation.field)
    schema = schemas[name]
    converted = final.schema > schema and schema in final.upcasters
    if one != other and not converted and _has_events(alias, entity):
        yield Error(
            f"A migration makes {other} of its field {operation.name}, and events hold {one}.",
            hint=f"Raise its HeadField's schema to {schema + 1} in the same migration, and convert "
            f"the value in upcasters[{schema}].",
            obj=model,
            id="jazzauth.E027",
        )


def _has_events(alias: str, entity: str) -> bool:
    return EventRecord.objects.using(alias).filter(stream__startswith=f"{entity}/").exists()
