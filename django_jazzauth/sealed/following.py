"""Rows and log after a migration: what it did to columns is written down, or mended from the heads.

Django changes tables by SQL, past the log. So every planned migration that changes fields of an
event-sourced model gets steps of ours, in the way in which Django's own content types follow
renamed models: values that only the database knew (computed and one-off defaults, what took the
place of NULL) are appended as events; columns that depend on a field's name or type (ciphertext,
companions) are made again from the heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps as installed
from django.db import migrations, router
from django.db.migrations.operations.base import Operation

from .binding import binding_of, require_binding
from .codec import kind_of
from .defaults import has_stable_default
from .head_field import HeadField
from .kinds import SealedKind
from .schema_walk import Touched, follow

# Between these nobody looks at rows, so one pass after the last of them is enough.
_OF_COLUMNS = (migrations.AddField, migrations.AlterField, migrations.RenameField)
_PASSING = (
    *_OF_COLUMNS,
    migrations.RemoveField,
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.AddConstraint,
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.AlterUniqueTogether,
)


class NoteField(Operation):
    """Remembers, just before an ``AlterField``, what the field is like, and compares afterwards."""

    reversible = True
    reduces_to_sql = False

    def __init__(self, operation: Any, touched: Touched) -> None:
        self.operation = operation
        self.touched = touched
        self.before: Any = None

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes."""

    def database_forwards(
        self, app_label: str, editor: Any, from_state: Any, to_state: Any
    ) -> None:
        name = self.operation.name
        model = to_state.apps.get_model(app_label, self.operation.model_name)
        if not hasattr(model._meta, "sealed_head"):
            return
        now = model._meta.get_field(name)
        if self.before is None:
            self.before = now
        elif isinstance(now, HeadField):
            self.touched.everything |= (now.schema, now.aliases) != (
                self.before.schema,
                self.before.aliases,
            )
            if now.schema < self.before.schema:
                self.touched.upcasters |= self.before.upcasters
        elif _matters(self.before, now):
            self.touched.fields.add(now.name)
            if has_stable_default(self.before):
                self.touched.earlier[now.name] = self.before.get_default()
            if not self.operation.preserve_default:
                self.touched.defaults[now.name] = self.operation.field.get_default()

    database_backwards = database_forwards  # type: ignore[assignment]

    def describe(self) -> str:
        return f"Note what {self.operation.name} of {self.operation.model_name} is like"


def _matters(before: Any, now: Any) -> bool:
    """Whether rows or states can disagree after such a change."""
    return (
        before.null is not now.null
        or kind_of(before) != kind_of(now)
        or isinstance(before, SealedKind) is not isinstance(now, SealedKind)
        or getattr(before, "searchable", False) is not getattr(now, "searchable", False)
        or getattr(before, "of", "") != getattr(now, "of", "")
        or (before.has_default(), before.default) != (now.has_default(), now.default)
        or before.has_db_default() is not now.has_db_default()
    )


class FollowChanges(Operation):
    """Brings log and columns of the models that the operations before it changed in step."""

    reversible = True
    reduces_to_sql = False
    atomic = True

    def __init__(self, touched: dict[str, Touched]) -> None:
        self.touched = touched

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing changes."""

    def database_forwards(
        self, app_label: str, editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self._follow(app_label, editor.connection.alias, to_state, backwards=False)

    def database_backwards(
        self, app_label: str, editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self._follow(app_label, editor.connection.alias, to_state, backwards=True)

    def _follow(self, app_label: str, alias: str, state: Any, backwards: bool) -> None:
        for name, touched in self.touched.items():
            model = state.apps.get_model(app_label, name)
            if binding_of(model) is None or not router.allow_migrate_model(alias, model):
                continue
            if touched.fields or touched.renamed or touched.everything:
                follow(require_binding(model), alias, touched, backwards)

    def describe(self) -> str:
        return f"Write down what changed in rows of {', '.join(sorted(self.touched))}"


def follow_planned_migrations(plan: Any = None, **kwargs: Any) -> None:
    """Give planned migrations the steps that they need; a receiver of ``pre_migrate``.

    Args:
        plan: migrations with whether they are undone.
        kwargs: not used.
    """
    sealed = {m._meta.app_label for m in installed.get_models() if hasattr(m._meta, "sealed_head")}
    for migration, backwards in plan or ():
        if migration.app_label in sealed:
            migration.operations = with_steps(migration.operations, backwards)


def with_steps(operations: Sequence[Any], backwards: bool) -> list[Any]:
    """A migration's operations with the steps that bring the log along.

    Args:
        operations: as the migration lists them.
        backwards: they are going to be undone, last one first.
    """
    found: list[Any] = []
    touched: dict[str, Touched] = {}

    def flush() -> None:
        nonlocal touched
        if touched:
            found.append(FollowChanges(touched))
            touched = {}

    # In the order in which they are carried out.
    for operation in reversed(operations) if backwards else operations:
        if not isinstance(operation, _PASSING):
            flush()
        added: Any = migrations.RemoveField if backwards else migrations.AddField
        noted = None
        if isinstance(operation, (added, migrations.RenameField, migrations.AlterField)):
            model = touched.setdefault(operation.model_name_lower, Touched())
            if isinstance(operation, migrations.AlterField):
                noted = NoteField(operation, model)
            elif isinstance(operation, migrations.RenameField):
                model.renamed[operation.old_name] = operation.new_name
            else:
                model.fields.add(operation.name)
                if not getattr(operation, "preserve_default", True):
                    model.defaults[operation.name] = operation.field.get_default()
        found += [operation] if noted is None else [noted, operation, noted]
    flush()
    return found[::-1] if backwards else found
