"""Lenses: what goes forward comes back, and old events, heads and rows are read through them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.writer import MigrationWriter
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.errors import OneWayLens, StateOutdated
from django_jazzauth.sealed import HeadField, SealedCharField, SealedTextField, sealed_field
from django_jazzauth.sealed.lenses import Add, Convert, Drop, Join, Lens, Lenses, Rename, Split
from django_jazzauth.store import store, trigram_filling, trigram_index
from django_jazzauth.store.models import Event
from tests.sealed.evolving import Evolving
from tests.sealed.test_migrations import evolving, in_step

__all__ = ["evolving"]


def parts(name: str) -> tuple[str, str]:
    first, _, last = name.partition(" ")
    return first, last


def whole(first: str, last: str) -> str:
    return f"{first} {last}" if last else first


def double(number: int) -> int:
    return number * 2


def backwards(name: str) -> str:
    return name[::-1]


def half(number: int) -> int:
    return number // 2


# -- properties: no database ----------------------------------------------------------------------

VALUES = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.binary(max_size=5))
FIELDS = ("a", "b", "c", "n", "name")
STATES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("a", "b", "c"), VALUES),
        "n": st.one_of(st.none(), st.integers()),
        # What ``whole`` gives back: no name ends with the space that ``parts`` cuts at.
        "name": st.text("xyz ", max_size=6).filter(lambda text: not text.endswith(" ")),
    },
)
LENSES = st.sampled_from(
    [
        Rename("a", "new"),
        Rename("c", "other"),
        Convert("n", double, half),
        Split("name", into=("first", "last"), by=parts, back=whole),
        Add("added", 7),
    ]
)


@given(STATES, st.lists(LENSES, max_size=5, unique_by=repr))
def test_what_goes_forward_comes_back(state: dict[str, Any], lenses: list[Lens]) -> None:
    before = dict(state)
    through = Lenses(*lenses)
    new = through(state)
    assert state == before, "a lens changes its argument"
    assert through.back(new) == before
    # One after another is the same as all at once.
    step = state
    for lens in lenses:
        step = lens(step)
    assert step == new


@given(STATES)
def test_what_each_lens_does(state: dict[str, Any]) -> None:
    renamed = Rename("a", "new")(state)
    assert renamed.get("new") == state.get("a") and "a" not in renamed
    assert {k: v for k, v in renamed.items() if k != "new"} == {
        k: v for k, v in state.items() if k != "a"
    }
    split = Split("name", into=("first", "last"), by=parts)(state)
    assert ("first" in split) is ("name" in state) and "name" not in split
    assert Join(("first", "last"), "name", by=whole)(split) == state
    converted = Convert("n", double)(state)
    assert converted.keys() == state.keys()
    number = state.get("n")
    assert converted.get("n") == (None if number is None else 2 * number)
    assert Add("a", 7)(state)["a"] == state.get("a", 7) or state["a"] is None
    assert "a" not in Drop("a")(state)
    assert Lenses()(state) == state


def test_there_may_be_no_way_back() -> None:
    for lens, state in (
        (Convert("n", double), {"n": 1}),
        (Split("name", ("first", "last"), parts), {"first": "a", "last": "b"}),
        (Join(("first", "last"), "name", whole), {"name": "a"}),
    ):
        with pytest.raises(OneWayLens, match=type(lens).__name__):
            lens.back(state)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="the state has both"):
        Rename("a", "b")({"a": 1, "b": 2})
    with pytest.raises(ValueError, match="tuple"):
        Split("name", "first", parts)
    with pytest.raises(ValueError, match="zip"):
        Split("name", ("one",), parts)({"name": "a b"})


def test_migrations_can_hold_them() -> None:
    lens = Lenses(
        Rename("a", "b"),
        Split("name", into=("first", "last"), by=parts, back=whole),
        Convert("n", int, str),
        Join(("first", "last"), "name", by=whole, back=parts),
        Add("x", 1),
        Drop("y"),
    )
    text, imports = MigrationWriter.serialize(lens)
    space: dict[str, Any] = {}
    exec("\n".join(sorted(imports)), space)
    assert eval(text, space) == lens
    assert lens != Lenses(Rename("a", "c"))


# -- migrations -----------------------------------------------------------------------------------

NAMES = (
    migrations.AddField("evolving", "first", SealedCharField(max_length=20, default="")),
    migrations.AddField("evolving", "last", SealedCharField(max_length=20, default="")),
    migrations.RemoveField("evolving", "name"),
)
LENS = Lenses(Split("name", into=("first", "last"), by=parts, back=whole))


def two_people(evolving: Callable[..., Evolving]) -> tuple[Evolving, Any, Any, Any]:
    """One who is there, one who is deleted, and the moment when both were."""
    table = evolving(name=SealedTextField(default=""))
    one = table.model.objects.create(name="Ana Maria").pk
    other = table.model.objects.create(name="Bo Li").pk
    then = timezone.now()
    table.model.objects.filter(pk=other).delete()
    return table, one, other, then


@pytest.mark.django_db(transaction=True)
def test_one_field_becomes_two(evolving: Callable[..., Evolving]) -> None:
    table, one, other, then = two_people(evolving)
    head = HeadField(entity="evolving", schema=2, upcasters={1: LENS})
    model = table.forwards(migrations.AlterField("evolving", "head", head), *NAMES)
    row = in_step(model)[one]
    assert (row.first, row.last) == ("Ana", "Maria")
    states = [event.state for event in store.history(model, pk=other)]
    assert [state and (state["first"], state["last"]) for state in states] == [("Bo", "Li"), None]
    assert store.as_of(model, then, pk=other).last == "Li"
    assert {row.first for row in model.objects.as_of(then)} == {"Ana", "Bo"}
    assert store.restore(model, other).first == "Bo"
    # No upcaster may see its state again.
    assert Event.objects.get(stream=f"evolving/{other}", type="restored").schema == 2
    assert in_step(model)[other].last == "Li"
    model.objects.filter(pk=one).update(last="M.")
    assert in_step(model)[one].last == "M."


@pytest.mark.django_db(transaction=True)
def test_a_migration_with_lenses_is_undone(evolving: Callable[..., Evolving]) -> None:
    table, one, _, _ = two_people(evolving)
    head = HeadField(entity="evolving", schema=2, upcasters={1: LENS})
    model = table.forwards(migrations.AlterField("evolving", "head", head), *NAMES)
    new = model.objects.create(first="Cy", last="Om").pk
    model.objects.filter(pk=one).update(last="M.")
    model = table.backwards()
    rows = in_step(model)
    assert {pk: row.name for pk, row in rows.items()} == {one: "Ana M.", new: "Cy Om"}
    model.objects.filter(pk=new).update(name="Cy O.")
    assert in_step(model)[new].name == "Cy O."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("searchable", [True, False])
def test_a_field_is_renamed_by_a_lens(evolving: Callable[..., Evolving], searchable: bool) -> None:
    table = evolving(title=SealedCharField(max_length=20, searchable=searchable))
    pk = table.model.objects.create(title="t").pk
    head = HeadField(entity="evolving", schema=2, upcasters={1: Rename("title", "label")})
    model = table.forwards(
        migrations.AlterField("evolving", "head", head),
        migrations.RenameField("evolving", "title", "label"),
    )
    assert in_step(model)[pk].label == "t"
    assert [event.state["label"] for event in store.history(model, pk=pk)] == ["t"]
    model.objects.update(label="u")
    model = table.backwards()
    assert in_step(model)[pk].title == "u"


@pytest.mark.django_db(transaction=True)
def test_a_type_changes_by_a_lens(evolving: Callable[..., Evolving]) -> None:
    table = evolving(size=SealedCharField(max_length=9), day=SealedCharField(max_length=20))
    pk = table.model.objects.create(size="12", day="2026-01-02").pk
    head = HeadField(entity="evolving", schema=2, upcasters={1: Lenses(Convert("size", int, str))})
    model = table.forwards(
        migrations.AlterField("evolving", "head", head),
        migrations.AlterField("evolving", "size", sealed_field(models.IntegerField)),
        # Dates are text in a state: nothing to convert.
        migrations.AddField("evolving", "seen", models.DateField(null=True)),
    )
    assert in_step(model)[pk].size == 12
    model.objects.update(size=13, seen=datetime.date(2026, 1, 3))
    model = table.backwards()
    assert in_step(model)[pk].size == "13"


def fails(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "size": int(state["size"])}


@pytest.mark.django_db(transaction=True)
def test_an_upcaster_that_fails_does_not_show_the_value(evolving: Callable[..., Evolving]) -> None:
    if not connection.features.can_rollback_ddl:
        pytest.skip("a migration that fails leaves its columns behind")
    table = evolving(size=SealedCharField(max_length=9))
    pk = table.model.objects.create(size="secret").pk
    head = HeadField(entity="evolving", schema=2, upcasters={1: fails})
    with pytest.raises(StateOutdated, match=r"upcasters\[1\] fails on a state, with ValueError"):
        try:
            table.forwards(
                migrations.AlterField("evolving", "head", head),
                migrations.AlterField("evolving", "size", sealed_field(models.IntegerField)),
            )
        except StateOutdated as error:
            assert error.__cause__ is None and error.__context__ is None
            raise
    assert in_step(table.model)[pk].size == "secret"


@pytest.mark.django_db(transaction=True)
def test_an_upcaster_that_is_no_lens_leads_forwards_only(
    evolving: Callable[..., Evolving],
) -> None:
    if not connection.features.can_rollback_ddl:
        pytest.skip("a migration that fails leaves its columns behind")
    table = evolving(size=SealedCharField(max_length=9))
    table.model.objects.create(size="1")
    head = HeadField(entity="evolving", schema=2, upcasters={1: fails})
    model = table.forwards(
        migrations.AlterField("evolving", "head", head),
        migrations.AlterField("evolving", "size", sealed_field(models.IntegerField)),
    )
    model.objects.update(size=2)
    done = list(table._done)
    state = table.state
    with pytest.raises(StateOutdated, match="leads forwards only"):
        table.backwards()
    table._done, table.state = done, state


@pytest.mark.django_db(transaction=True)
def test_the_trigram_index_is_not_asked_for_texts_of_another_schema(
    evolving: Callable[..., Evolving], settings: Any
) -> None:
    world = evolving(name=SealedTextField())
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRIGRAM_INDEX": {"evolving": ("name",)}}
    world.model.objects.create(name="Ada Lovelace")
    trigram_filling.refresh("default")
    head = HeadField(entity="evolving", schema=2, upcasters={1: Convert("name", backwards)})
    model = world.forwards(migrations.AlterField("evolving", "head", head))
    for _ in range(2):
        assert [row.name for row in model.objects.filter(name__icontains="ecalevol")] == [
            "ecalevoL adA"
        ]
        trigram_filling.refresh("default")
    assert trigram_index.is_complete("default", "evolving")
    assert store.verify().ok
