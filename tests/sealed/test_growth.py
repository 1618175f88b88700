"""Models that change: what was written before a field was there can be read afterwards."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.db import connection, models
from django.db.migrations.operations import AddField
from django.db.migrations.state import ModelState, ProjectState
from django.test.utils import isolate_apps

from django_jazzauth.errors import SealBroken
from django_jazzauth.sealed import (
    EventSourcedModel,
    HeadField,
    SealedCharField,
    SealedJSONField,
    SealedTextField,
)
from django_jazzauth.sealed.binding import require_binding
from django_jazzauth.store import store
from django_jazzauth.store.sealing import Head

pytestmark = pytest.mark.django_db(transaction=True)


@isolate_apps("tests.testapp")
def test_fields_added_later(registered: None) -> None:
    class Grown(EventSourcedModel):
        head = HeadField(entity="grown", aliases={"title": "name"})
        title = SealedTextField(default="")

        class Meta:
            app_label = "testapp"
            db_table = "grown"

    with connection.schema_editor() as editor:
        editor.create_model(Grown)
    try:
        pk = Grown.objects.create(title="old").pk

        def upcast(state: dict[str, Any]) -> dict[str, Any]:
            return {**state, "rank": 7}

        with isolate_apps("tests.testapp"):

            class Bigger(EventSourcedModel):
                head = HeadField(
                    entity="grown", aliases={"title": "name"}, schema=2, upcasters={1: upcast}
                )
                name = SealedTextField(default="", db_column="title")
                notes = SealedTextField(default="")
                code = SealedCharField(max_length=9, default="c", searchable=True, casefold=True)
                data = SealedJSONField(default=list)
                plain = models.CharField(max_length=9, default="p")
                day = models.DateField(null=True)
                rank = models.IntegerField(default=1)

                class Meta:
                    app_label = "testapp"
                    db_table = "grown"

        state = ProjectState()
        state.add_model(ModelState.from_model(Grown))
        for field in Bigger._meta.local_concrete_fields:
            if field.name not in ("id", "head", "name"):
                operation = AddField("grown", field.name, field.clone())
                grown = state.clone()
                operation.state_forwards("testapp", grown)
                with connection.schema_editor() as editor:
                    operation.database_forwards("testapp", editor, state, grown)
                state = grown
        with connection.cursor() as cursor:
            cursor.execute("UPDATE grown SET rank = 7")
        # What a data migration would do for a companion column that was added.
        with pytest.raises(SealBroken, match="code_folded"):
            Bigger.objects.get(pk=pk)
        Bigger.objects.update(code="C")
        loaded = Bigger.objects.get(pk=pk)
        assert (loaded.name, loaded.notes, loaded.code) == ("old", "", "C")
        assert (loaded.data, loaded.plain, loaded.day, loaded.rank) == ([], "p", None, 7)
        loaded.data.append(1)
        loaded.day = datetime.date(2026, 1, 1)
        loaded.save()
        again = Bigger.objects.get(pk=pk)
        assert (again.data, again.day) == ([1], datetime.date(2026, 1, 1))
        assert [event.version for event in store.history(Bigger, pk=pk)] == [1, 2, 3]
        assert store.verify().ok
        store.rebuild()
        assert Bigger.objects.get(pk=pk).data == [1]
        # An older release must not misread what a newer one wrote.
        with pytest.raises(SealBroken, match="newer"):
            Grown.objects.get(pk=pk)
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Grown)


@isolate_apps("tests.testapp")
def test_a_renamed_field_is_not_taken_for_a_new_one(registered: None) -> None:
    class Named(EventSourcedModel):
        head = HeadField(entity="named")
        title = SealedTextField(default="")

        class Meta:
            app_label = "testapp"
            db_table = "named"

    def renamed(**options: Any) -> Any:
        with isolate_apps("tests.testapp"):

            class Renamed(EventSourcedModel):
                head = HeadField(entity="named", **options)
                name = SealedTextField(default="", db_column="title")

                class Meta:
                    app_label = "testapp"
                    db_table = "named"

        return Renamed

    with connection.schema_editor() as editor:
        editor.create_model(Named)
    try:
        pk = Named.objects.create(title="kept").pk
        with pytest.raises(SealBroken, match="aliases"):
            renamed().objects.get(pk=pk)
        assert renamed(aliases={"title": "name"}).objects.get(pk=pk).name == "kept"
        with pytest.raises(SealBroken, match="lacks name"):
            list(renamed().objects.all())
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Named)


@isolate_apps("tests.testapp")
def test_a_removed_field_is_named_before_a_new_one_comes(registered: None) -> None:
    class Kept(EventSourcedModel):
        head = HeadField(entity="kept", retired=("gone",))
        name = SealedTextField(default="")

        class Meta:
            app_label = "testapp"

    binding = require_binding(Kept)
    head = Head(1, 1, bytes(32), 0, {"gone": "x"})
    assert binding.upcast(head).state == {"gone": "x"}
    with pytest.raises(SealBroken, match="retired"):
        binding.upcast(Head(1, 1, bytes(32), 0, {"other": "x"}))
