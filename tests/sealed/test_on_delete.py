"""What a deletion does to rows that point at what is gone: journalled, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from django_jazzauth.errors import NotJournalled
from django_jazzauth.sealed import EventSourcedModel, HeadField, SealedTextField
from django_jazzauth.store import registry, store

pytestmark = pytest.mark.django_db(transaction=True)


def clear_it(collector: Any, field: Any, objs: Any, using: str) -> None:
    collector.add_field_update(field, None, objs)


@pytest.fixture
def tables() -> Iterator[tuple[Any, Any, Any]]:
    known = dict(registry._projectors)
    with isolate_apps("tests.testapp"):

        class Shelf(models.Model):
            label = models.CharField(max_length=9)

            class Meta:
                app_label = "testapp"

        class Book(EventSourcedModel):
            head = HeadField(entity="book")
            title = SealedTextField()
            shelf = models.ForeignKey(Shelf, models.SET_DEFAULT, default=1, related_name="books")
            other = models.ForeignKey(Shelf, clear_it, null=True, related_name="+")

            class Meta:
                app_label = "testapp"

        class TopShelf(Shelf):
            class Meta:
                app_label = "testapp"
                proxy = True

    with connection.schema_editor() as editor:
        editor.create_model(Shelf)
        editor.create_model(Book)
    yield Shelf, Book, TopShelf
    with connection.schema_editor() as editor:
        editor.delete_model(Book)
        editor.delete_model(Shelf)
    registry._projectors.clear()
    registry._projectors.update(known)


@pytest.mark.parametrize("way", ["instance", "queryset", "proxy"])
def test_set_default(tables: Any, way: str) -> None:
    shelves, books, top = tables
    first, second = (shelves.objects.create(pk=pk, label=f"{pk}") for pk in (1, 2))
    made = [books.objects.create(title=f"{n}", shelf=second) for n in range(3)]
    stays = books.objects.create(title="stays", shelf=first)
    if way == "instance":
        second.delete()
    elif way == "proxy":
        top.objects.get(pk=2).delete()
    else:
        shelves.objects.filter(pk=2).delete()
    assert {book.shelf_id for book in books.objects.all()} == {1}
    assert [event.type for event in store.history(made[0])] == ["created", "updated"]
    assert [event.type for event in store.history(stays)] == ["created"]
    assert store.verify().ok
    store.rebuild()
    assert {book.shelf_id for book in books.objects.all()} == {1}


def test_a_function_of_ones_own(tables: Any) -> None:
    shelves, books, _ = tables
    first, second, third = (shelves.objects.create(pk=pk, label=f"{pk}") for pk in (1, 2, 3))
    made = books.objects.create(title="t", shelf=first, other=second)
    with pytest.raises(NotJournalled, match="other") as caught, transaction.atomic():
        second.delete()
    assert "SET_NULL" in str(caught.value)
    third.delete()  # nothing points at it
    assert books.objects.get(pk=made.pk).other_id == 2
    assert store.verify().ok
