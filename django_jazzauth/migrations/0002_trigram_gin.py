"""PostgreSQL finds the rows of the trigram index by the elements of their arrays."""

from typing import Any

from django.db import migrations

_NAME = "jazzauth_trigrams_tokens"


def create_index(apps: Any, schema_editor: Any) -> None:
    """Other databases read the table from end to end: they cannot index parts of a value."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE INDEX {_NAME} ON jazzauth_trigrams USING gin (tokens)")


def drop_index(apps: Any, schema_editor: Any) -> None:
    """Backwards."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {_NAME}")


class Migration(migrations.Migration):
    dependencies = [("django_jazzauth", "0001_initial")]

    operations = [migrations.RunPython(create_index, drop_index, elidable=False)]
