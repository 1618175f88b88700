"""A model that migrations change, forwards and backwards, on the database of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from django_jazzauth.sealed import HeadField
from django_jazzauth.sealed.following import with_steps
from django_jazzauth.sealed.model import EventSourcedMixin
from django_jazzauth.sealed.projector import register_model

APP = "testapp"


class Evolving:
    """One table whose migrations are applied and undone as ``manage.py migrate`` does it.

    Attributes:
        state: what the models look like now.
    """

    def __init__(self, **fields: Any) -> None:
        self.state = ProjectState()
        self._done: list[tuple[ProjectState, Sequence[Any]]] = []
        columns = {
            "id": models.BigAutoField(primary_key=True),
            "head": HeadField(entity="evolving"),
            **fields,
        }
        self.forwards(
            migrations.CreateModel(
                "evolving",
                list(columns.items()),
                options={"db_table": "evolving"},
                bases=(EventSourcedMixin, models.Model),
            )
        )

    def forwards(self, *operations: Any) -> Any:
        """Apply a migration; returns the model as it is afterwards."""
        migration = migrations.Migration("forwards", APP)
        migration.operations = with_steps(operations, backwards=False)
        before = self.state
        with connection.schema_editor(atomic=migration.atomic) as editor:
            self.state = migration.apply(before.clone(), editor)
        self._done.append((before, operations))
        return self.model

    def backwards(self) -> Any:
        """Undo the newest migration; returns the model as it was before."""
        before, operations = self._done.pop()
        migration = migrations.Migration("backwards", APP)
        migration.operations = with_steps(operations, backwards=True)
        with connection.schema_editor(atomic=migration.atomic) as editor:
            self.state = migration.unapply(before.clone(), editor)
        return self.model

    @property
    def model(self) -> Any:
        """The model as it is now, known to the store."""
        model = self.state.apps.get_model(APP, "evolving")
        register_model(model)
        return model

    def drop(self) -> None:
        """Drop the table."""
        with connection.schema_editor() as editor:
            editor.delete_model(self.state.apps.get_model(APP, "evolving"))
