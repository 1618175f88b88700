"""Schema changes, both ways: log, heads and columns stay in step, or the migration refuses."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, migrations, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from django_jazzauth.errors import JazzAuthError, RestoreRefused, StateOutdated
from django_jazzauth.sealed import (
    FoldedField,
    HeadField,
    SealedCharField,
    SealedEmailField,
    SealedTextField,
    sealed_field,
)
from django_jazzauth.store import registry, store
from tests.sealed.evolving import Evolving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def evolving() -> Iterator[Callable[..., Evolving]]:
    known = dict(registry._projectors)
    made: list[Evolving] = []

    def make(**fields: Any) -> Evolving:
        made.append(Evolving(**fields))
        return made[-1]

    yield make
    for each in made:
        each.drop()
    registry._projectors.clear()
    registry._projectors.update(known)


def in_step(model: Any) -> dict[int, Any]:
    """Load, verify, rebuild, and load again; returns the rows by key."""
    before = {row.pk: row for row in model.objects.order_by("pk")}
    assert store.verify().problems == []
    store.rebuild()
    assert store.verify().problems == []
    # The head of a rebuilt row is sealed anew, from a state brought to the present names.
    names = [f.attname for f in model._meta.concrete_fields if not isinstance(f, HeadField)]
    for row in model.objects.order_by("pk"):
        assert [getattr(row, n) for n in names] == [getattr(before[row.pk], n) for n in names]
    return before


ADDED: dict[str, tuple[Any, bool]] = {
    "computed": (models.DateTimeField(default=timezone.now), True),
    "one-off": (models.IntegerField(default=7), False),
    "one-off text": (models.CharField(max_length=9, default="x"), False),
    "constant": (models.IntegerField(default=3), True),
    "null": (models.IntegerField(null=True), True),
    "by the database": (models.IntegerField(db_default=5), True),
    "now of the database": (models.DateTimeField(db_default=Now()), True),
    "one-off UUID": (models.UUIDField(default=uuid.uuid4), False),
    "sealed, computed": (sealed_field(models.UUIDField, default=uuid.uuid4), True),
    "sealed, one-off": (SealedTextField(default="t"), False),
    "searchable, one-off": (SealedCharField(max_length=9, default="s", searchable=True), False),
    "searchable, constant": (SealedCharField(max_length=9, default="s", searchable=True), True),
}


@pytest.mark.parametrize("kind", ADDED)
def test_a_field_that_is_added(evolving: Any, kind: str) -> None:
    field, preserve = ADDED[kind]
    table = evolving(name=SealedTextField(default=""))
    pks = [table.model.objects.create(name=f"n{n}").pk for n in range(3)]
    model = table.forwards(
        migrations.AddField("evolving", "extra", field.clone(), preserve_default=preserve)
    )
    rows = in_step(model)
    first = rows[pks[0]].extra
    assert (first is None) is (kind == "null")
    assert [row.name for row in rows.values()] == ["n0", "n1", "n2"]
    # A change, undone with the field, is back with it.
    model.objects.filter(pk=pks[0]).update(name="changed")
    model = table.backwards()
    assert [row.name for row in in_step(model).values()] == ["changed", "n1", "n2"]
    model.objects.filter(pk=pks[1]).update(name="later")
    model = table.forwards(
        migrations.AddField("evolving", "extra", field.clone(), preserve_default=preserve)
    )
    rows = in_step(model)
    if kind != "null":
        assert rows[pks[0]].extra == first
    assert rows[pks[1]].name == "later"


def test_what_the_log_was_not_told_is_refused(evolving: Any) -> None:
    table = evolving(name=SealedTextField(default=""))
    pk = table.model.objects.create(name="n").pk
    added = migrations.AddField("evolving", "since", models.DateTimeField(default=timezone.now))
    grown = table.state.clone()
    added.state_forwards("testapp", grown)
    with connection.schema_editor() as editor:  # past `manage.py migrate`
        added.database_forwards("testapp", editor, table.state, grown)
    table.state = grown
    with pytest.raises(StateOutdated, match="since") as caught:
        table.model.objects.get(pk=pk)
    assert caught.value.code == "STATE_OUTDATED"
    with pytest.raises(StateOutdated, match="since"), transaction.atomic():
        store.rebuild()
    assert {p.code for p in store.verify().problems} == {"HEAD_BROKEN"}


@pytest.mark.parametrize("preserve", [True, False])
def test_the_past_of_a_field_that_was_not_there(evolving: Any, preserve: bool) -> None:
    table = evolving(name=SealedTextField(default=""))
    pk = table.model.objects.create(name="n").pk
    gone = table.model.objects.create(name="gone")
    gone_pk = gone.pk
    gone.delete()
    then = timezone.now()
    since = models.DateTimeField(default=timezone.now)
    model = table.forwards(
        migrations.AddField("evolving", "since", since, preserve_default=preserve)
    )
    first, second = store.history(model, pk=pk)
    assert "since" not in (first.state or {})
    assert (second.state or {})["since"] == model.objects.get(pk=pk).since
    past = store.as_of(model, then, pk=pk)
    assert (past.name, past.since) == ("n", None)
    if preserve:
        back = store.restore(model, gone_pk)
        assert model.objects.get(pk=gone_pk).since == back.since >= then
        in_step(model)
    else:
        with pytest.raises(RestoreRefused, match="since"):
            store.restore(model, gone_pk)


@pytest.mark.parametrize("sealed", [False, True])
def test_a_default_that_changes_later(evolving: Any, sealed: bool) -> None:
    def field(default: str) -> Any:
        if sealed:
            return SealedCharField(max_length=9, default=default)
        return models.CharField(max_length=9, default=default)

    table = evolving(name=SealedTextField(default=""))
    old = table.model.objects.create(name="old").pk
    table.forwards(migrations.AddField("evolving", "size", field("small")))
    model = table.forwards(migrations.AlterField("evolving", "size", field("large")))
    new = model.objects.create(name="new").pk
    rows = in_step(model)
    # For the sealed one nothing but the migration knows what the default was when it was added.
    assert (rows[old].size, rows[new].size) == ("small", "large")
    rows = in_step(table.backwards())
    assert (rows[old].size, rows[new].size) == ("small", "large")


NULLS: dict[str, Callable[..., Any]] = {
    "plain": lambda **options: models.IntegerField(**options),
    "sealed": lambda **options: sealed_field(models.IntegerField, **options),
    "searchable": lambda **options: sealed_field(models.IntegerField, searchable=True, **options),
}


@pytest.mark.parametrize("preserve", [True, False])
@pytest.mark.parametrize("kind", NULLS)
def test_null_gives_way_to_a_default(evolving: Any, kind: str, preserve: bool) -> None:
    make = NULLS[kind]
    table = evolving(name=SealedTextField(default=""), size=make(null=True))
    empty = table.model.objects.create(name="empty").pk
    full = table.model.objects.create(name="full", size=2).pk
    model = table.forwards(
        migrations.AlterField("evolving", "size", make(default=9), preserve_default=preserve)
    )
    rows = in_step(model)
    assert (rows[empty].size, rows[full].size) == (9, 2)
    rows = in_step(table.backwards())
    assert (rows[empty].size, rows[full].size) == (9, 2)
    table.model.objects.filter(pk=full).update(size=None)
    assert in_step(table.model)[full].size is None


def renaming(old: str, new: str) -> list[Any]:
    head = HeadField(entity="evolving", aliases={old: new})
    return [
        migrations.RenameField("evolving", old, new),
        migrations.AlterField("evolving", "head", head),
    ]


FIELDS: dict[str, Any] = {
    "plain": models.CharField(max_length=20),
    "sealed": SealedCharField(max_length=20),
    "searchable": SealedCharField(max_length=20, searchable=True, unique=True),
}


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_that_is_renamed(evolving: Any, kind: str) -> None:
    table = evolving(title=FIELDS[kind].clone(), notes=SealedTextField(default=""))
    pk = table.model.objects.create(title="one", notes="n").pk
    other = table.model.objects.create(title="two").pk
    model = table.forwards(*renaming("title", "name"))
    rows = in_step(model)
    assert (rows[pk].name, rows[other].name) == ("one", "two")
    assert model.objects.get(name="one").pk == pk
    model.objects.filter(pk=pk).update(name="changed")
    model = table.backwards()
    rows = in_step(model)
    assert (rows[pk].title, rows[other].title) == ("changed", "two")
    assert model.objects.get(title="changed").pk == pk
    model.objects.filter(pk=pk).update(title="again")
    model = table.forwards(*renaming("title", "name"))
    assert in_step(model)[pk].name == "again"


def test_a_renaming_without_an_alias_is_refused_and_undone(evolving: Any) -> None:
    table = evolving(title=SealedCharField(max_length=20, searchable=True))
    pk = table.model.objects.create(title="one").pk
    rename = migrations.RenameField("evolving", "title", "name")
    with pytest.raises(StateOutdated, match="aliases"):
        table.forwards(rename)
    if connection.features.can_rollback_ddl:
        assert table.model.objects.get(title="one").pk == pk
    else:  # MariaDB commits every change of a table
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE evolving RENAME COLUMN name TO title")


def test_a_casefold_field_that_is_renamed(evolving: Any) -> None:
    table = evolving(
        email=SealedEmailField(searchable=True, casefold=True, unique=True),
        email_folded=FoldedField(of="email", unique=True),
    )
    pk = table.model.objects.create(email="Ana@Example.com").pk
    first, head = renaming("email", "mail")
    # As makemigrations writes it.
    operations = [
        first,
        migrations.RemoveField("evolving", "email_folded"),
        migrations.AddField("evolving", "mail_folded", FoldedField(of="mail", unique=True)),
        head,
    ]
    model = table.forwards(*operations)
    in_step(model)
    assert model.objects.get(mail__iexact="ANA@example.com").pk == pk
    model.objects.create(mail="ben@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(mail="ANA@example.com")
    model = table.backwards()
    in_step(model)
    assert model.objects.get(email__iexact="ana@EXAMPLE.com").pk == pk
    assert model.objects.get(email__iexact="BEN@example.com").email == "ben@example.com"


def test_a_companion_that_is_added_later(evolving: Any) -> None:
    table = evolving(code=SealedCharField(max_length=20, searchable=True))
    pk = table.model.objects.create(code="Straße").pk
    table.model.objects.create(code="")
    folding = SealedCharField(max_length=20, searchable=True, casefold=True)
    model = table.forwards(
        migrations.AlterField("evolving", "code", folding),
        migrations.AddField("evolving", "code_folded", FoldedField(of="code")),
    )
    in_step(model)
    assert model.objects.get(code__iexact="STRASSE").pk == pk
    model = table.backwards()
    in_step(model)
    assert model.objects.get(code__iexact="STRASSE").pk == pk  # a scan


def test_a_field_that_is_removed_and_put_back(evolving: Any) -> None:
    table = evolving(
        name=SealedTextField(default=""),
        fax=SealedCharField(max_length=9, searchable=True, default=""),
    )
    pk = table.model.objects.create(name="n", fax="12").pk
    model = table.forwards(migrations.RemoveField("evolving", "fax"))
    model.objects.update(name="m")
    assert in_step(model)[pk].name == "m"
    model = table.backwards()
    rows = in_step(model)
    assert (rows[pk].name, rows[pk].fax) == ("m", "12")


def whole(state: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 kept the size as text."""
    return {**state, "size": int(state["size"])}


TYPES = {
    "plain": (models.CharField(max_length=9), models.IntegerField()),
    "sealed": (SealedCharField(max_length=9), sealed_field(models.IntegerField)),
    "searchable": (
        SealedCharField(max_length=9, searchable=True),
        sealed_field(models.IntegerField, searchable=True),
    ),
}


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_that_changes(evolving: Any, kind: str) -> None:
    if kind == "plain" and connection.vendor == "postgresql":
        pytest.skip("PostgreSQL converts a column of its own only where USING tells how")
    before, after = TYPES[kind]
    table = evolving(size=before.clone())
    pk = table.model.objects.create(size="12").pk
    alter = migrations.AlterField("evolving", "size", after.clone())
    if connection.features.can_rollback_ddl:
        with pytest.raises(StateOutdated, match="upcaster") as caught:
            table.forwards(alter)
        assert "12" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert in_step(table.model)[pk].size == "12"
    head = HeadField(entity="evolving", schema=2, upcasters={1: whole})
    model = table.forwards(alter, migrations.AlterField("evolving", "head", head))
    rows = in_step(model)
    assert rows[pk].size == 12
    assert model.objects.get(size=12).pk == pk


def test_a_state_of_another_type_does_not_load(evolving: Any) -> None:
    table = evolving(size=SealedCharField(max_length=9))
    pk = table.model.objects.create(size="12").pk
    altered = table.state.clone()
    migrations.AlterField("evolving", "size", sealed_field(models.IntegerField)).state_forwards(
        "testapp", altered
    )
    table.state = altered
    for use in (
        lambda: table.model.objects.get(pk=pk),
        lambda: list(table.model.objects.values_list("size")),
        lambda: list(table.model.objects.filter(size=12)),
        lambda: store.history(table.model, pk=pk),
        store.rebuild,
    ):
        with pytest.raises(StateOutdated, match="size") as caught, transaction.atomic():
            use()
        assert isinstance(caught.value, JazzAuthError)
        assert "12" not in str(caught.value)


def test_data_is_moved_in_the_same_migration(evolving: Any) -> None:
    table = evolving(name=SealedTextField(default=""))
    pk = table.model.objects.create(name="Ana Maria").pk

    def split(apps: Any, editor: Any) -> None:
        for row in apps.get_model("testapp", "evolving").objects.all():
            row.first = row.name.partition(" ")[0]
            row.save()

    model = table.forwards(
        migrations.AddField("evolving", "first", SealedTextField(default="?")),
        migrations.AddField("evolving", "since", models.DateTimeField(default=timezone.now)),
        migrations.RunPython(split, migrations.RunPython.noop),
        migrations.RemoveField("evolving", "name"),
    )
    assert in_step(model)[pk].first == "Ana"
    assert in_step(table.backwards())[pk].name == "Ana Maria"


def test_many_rows_go_in_batches(evolving: Any) -> None:
    table = evolving(name=SealedTextField(default=""))
    table.model.objects.bulk_create(table.model(name=f"n{n}") for n in range(1201))
    model = table.forwards(
        migrations.AddField("evolving", "n", models.IntegerField(default=4), preserve_default=False)
    )
    assert {row.n for row in in_step(model).values()} == {4}
    assert model.objects.count() == 1201
