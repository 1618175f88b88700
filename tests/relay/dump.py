"""Every row of the log, the keys and the projections, to be compared."""

from __future__ import annotations

from typing import Any

from django.apps import apps

LEFT_OUT = {"jazzauth_relay", "jazzauth_copy", "jazzauth_checkpoint_key", "jazzauth_used_proof"}


def dump(alias: str = "default") -> dict[str, list[Any]]:
    """Table to its rows, sorted; auto-numbered keys of grants and roots are left out."""
    found: dict[str, list[Any]] = {}
    for model in apps.get_app_config("django_jazzauth").get_models():
        table = model._meta.db_table
        if table in LEFT_OUT:
            continue
        numbered = {"jazzauth_grant", "jazzauth_index_root"}
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if not (table in numbered and field.primary_key)
        ]
        rows = [
            [plain(value) for value in row]
            for row in model._base_manager.using(alias).values_list(*names)
        ]
        found[table] = sorted(rows, key=repr)
    return found


def plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value if isinstance(value, int | None) else str(value)
