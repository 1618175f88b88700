"""Random operations: instances, a dictionary and the database agree, and the log verifies."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_jazzauth.store import store
from tests.testapp.models import Patient, Tag

pytestmark = pytest.mark.django_db

OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["create", "save", "stale", "update", "bulk", "delete", "restore", "tag", "untag"]
        ),
        st.integers(0, 3),
        st.text("abcd", max_size=3),
        st.booleans(),
    ),
    max_size=25,
)


class World:
    """What the database should hold, and instances that may be stale."""

    def __init__(self, tag: Tag) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.gone: dict[int, dict[str, Any]] = {}
        self.keys: dict[int, Any] = {}
        self.stale: dict[int, Patient] = {}
        self.tag = tag

    def apply(self, kind: str, slot: int, text: str) -> None:
        row = self.rows.get(slot)
        if kind == "create" and slot not in self.keys:
            made = Patient.objects.create(record_no=f"r{slot}", name=text)
            self.keys[slot], self.stale[slot] = made.pk, made
            self.rows[slot] = {"name": text, "notes": "", "visits": 0, "tagged": False}
        elif kind == "restore" and slot in self.gone:
            self.stale[slot] = store.restore(Patient, self.keys[slot])
            self.rows[slot] = self.gone.pop(slot)
        elif row is None:
            return
        elif kind == "save":
            loaded = Patient.objects.get(record_no=f"r{slot}")
            loaded.name = row["name"] = text
            loaded.save()
        elif kind == "stale":
            self.stale[slot].notes = row["notes"] = text
            self.stale[slot].save()
        elif kind == "update":
            Patient.objects.filter(record_no=f"r{slot}").update(name=text, visits=len(text))
            row |= {"name": text, "visits": len(text)}
        elif kind == "bulk":
            loaded = Patient.objects.get(pk=self.keys[slot])
            loaded.visits = row["visits"] = len(text) + 10
            Patient.objects.bulk_update([loaded], ["visits"])
        elif kind == "delete":
            Patient.objects.filter(pk=self.keys[slot]).delete()
            self.gone[slot] = self.rows.pop(slot)
        elif kind in ("tag", "untag"):
            loaded = Patient.objects.get(pk=self.keys[slot])
            (loaded.tags.add if kind == "tag" else loaded.tags.remove)(self.tag)
            row["tagged"] = kind == "tag"

    def check(self) -> None:
        assert Patient.objects.count() == len(self.rows)
        for slot, row in self.rows.items():
            loaded = Patient.objects.get(pk=self.keys[slot])
            assert {
                "name": loaded.name,
                "notes": loaded.notes,
                "visits": loaded.visits,
                "tagged": bool(loaded.sealed_m2m("tags")),
            } == row


def table() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM testapp_patient ORDER BY id")
        return [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in cursor.fetchall()
        ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(operations=OPERATIONS)
def test_random_operations(operations: list[tuple[str, int, str, bool]]) -> None:
    with transaction.atomic():
        world = World(Tag.objects.create(label="t"))
        for kind, slot, text, roll_back in operations:
            if roll_back and kind in ("update", "bulk", "tag", "untag"):
                # Leaves no trace, in the database or in what comes later.
                with transaction.atomic():
                    World.apply(_copy(world), kind, slot, text)
                    transaction.set_rollback(True)
            else:
                world.apply(kind, slot, text)
        world.check()
        assert store.verify().ok
        before = table()
        store.rebuild()
        assert table() == before
        world.check()
        transaction.set_rollback(True)


def _copy(world: World) -> World:
    twin = World(world.tag)
    twin.rows = {slot: dict(row) for slot, row in world.rows.items()}
    twin.keys, twin.stale = dict(world.keys), world.stale
    return twin
