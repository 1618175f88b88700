"""System checks of event-sourced models."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import models
from django.test.utils import isolate_apps

from django_jazzauth.sealed import (
    EventSourcedModel,
    HeadField,
    SealedCharField,
    SealedTextField,
    seal,
)
from django_jazzauth.sealed.lenses import Drop, Lenses, Rename
from django_jazzauth.sealed.planned import check_planned_migrations
from django_jazzauth.store import registry
from tests.testapp import migrations as testapp_migrations
from tests.testapp.models import Patient, Treatment


def ids(model: Any) -> set[str]:
    return {message.id for message in model.check() if message.id.startswith("jazzauth.")}


# From Django 6.0 on, checks of expressions in models ask the database.
@pytest.mark.django_db
def test_the_projects_own_models_are_clean() -> None:
    assert [m for m in run_checks() if m.id.startswith(("jazzauth.E02", "jazzauth.W02"))] == []


@pytest.mark.django_db
@isolate_apps("tests.testapp")
def test_every_mistake_is_named() -> None:
    known = dict(registry._projectors)

    def odd(collector: Any, field: Any, objs: Any, using: str) -> None:
        pass

    class Place(models.Model):
        class Meta:
            app_label = "testapp"

    class Unnamed(EventSourcedModel):
        key = SealedCharField(max_length=5, primary_key=True, searchable=True)
        code = SealedCharField(max_length=5, unique=True)
        kind = SealedCharField(max_length=5, searchable=True, choices=[("a", "A")])
        flag = seal(models.BooleanField)(searchable=True)
        notes = SealedTextField(db_default="")
        place = models.ForeignKey(Place, odd, null=True)

        class Meta:
            app_label = "testapp"
            unique_together = [("notes", "kind")]
            constraints = [models.UniqueConstraint(fields=["notes"], name="unique_notes")]

    class Lost(EventSourcedModel):
        head = HeadField(entity="lost", subject="notes")
        notes = SealedTextField()
        places = models.ManyToManyField(Place, through="Visit", related_name="+")

        class Meta:
            app_label = "testapp"

    class Astray(EventSourcedModel):
        head = HeadField(entity="lost", subject="nobody", schema=3, upcasters={1: dict})

        class Meta:
            app_label = "testapp"

    class Visit(models.Model):
        lost = models.ForeignKey(Lost, models.CASCADE)
        place = models.ForeignKey(Place, models.CASCADE)
        notes = SealedTextField()

        class Meta:
            app_label = "testapp"

    class Child(Lost):
        extra = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"

    class Proxy(Lost):
        class Meta:
            app_label = "testapp"
            proxy = True

    try:
        assert ids(Unnamed) == {
            "jazzauth.E020",
            "jazzauth.E021",
            "jazzauth.E023",
            "jazzauth.E029",
            "jazzauth.W021",
            "jazzauth.W022",
            "jazzauth.W023",
        }
        assert ids(Lost) == {"jazzauth.E024", "jazzauth.E026", "jazzauth.W020"}
        assert ids(Astray) == {"jazzauth.E024", "jazzauth.E026", "jazzauth.E030"}
        assert ids(Visit) == {"jazzauth.E022"}
        assert ids(Child) == {"jazzauth.E025"}
        assert ids(Proxy) == set()
        assert ids(Patient) == ids(Treatment) == set()
    finally:
        registry._projectors.clear()
        registry._projectors.update(known)


MIGRATION = """
import django.db.models
from django.db import migrations, models
import django_jazzauth.sealed as sealed


class Migration(migrations.Migration):
    dependencies = [("testapp", "{after}")]
    operations = [{operations}]
"""


@pytest.mark.django_db
def test_planned_migrations_that_would_leave_events_unread(
    tmp_path: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "planned_migrations"
    shutil.copytree(Path(testapp_migrations.__file__).parent, package)
    monkeypatch.syspath_prepend(tmp_path)
    last = max(file.stem for file in package.glob("0*.py"))
    (package / "0099_planned.py").write_text(
        MIGRATION.format(
            after=last,
            operations="""
        migrations.RenameField("patient", "name", "full_name"),
        migrations.AlterField("patient", "notes", sealed.SealedCharField(max_length=9)),
        migrations.AlterField("patient", "visits", models.TextField()),
        migrations.AlterField("patient", "active", models.BooleanField(default=False)),
        migrations.AlterField("ward", "beds", models.FloatField()),
        migrations.RemoveField("patient", "weight"),
        migrations.RemoveField("patient", "tags"),
        """,
        )
    )
    settings.MIGRATION_MODULES = {"testapp": "planned_migrations"}
    assert check_planned_migrations(["default"]) == []  # there is nothing to lose yet
    Patient.objects.create(record_no="p1")
    found = check_planned_migrations(["default"])
    assert [(m.id, m.obj) for m in found] == [
        ("jazzauth.E028", Patient),
        ("jazzauth.E027", Patient),
    ]
    assert "full_name" in found[0].hint
    assert "visits" in found[1].msg
    # The model still has the field: a later migration brings it back.
    gone = Patient._meta.get_field("weight")
    monkeypatch.setattr(
        Patient._meta, "get_fields", lambda: [f for f in Patient._meta.fields if f is not gone]
    )
    assert [m.id for m in check_planned_migrations(["default"])][2:] == ["jazzauth.W024"]
    for told in ({"retired": ("weight",)}, {"schema": 2, "upcasters": {1: Drop("weight")}}):
        with monkeypatch.context() as patch:
            for name, value in told.items():
                patch.setattr(Patient._meta.sealed_head, name, value)
            assert "jazzauth.W024" not in {m.id for m in check_planned_migrations(["default"])}
    monkeypatch.setattr(Patient._meta.sealed_head, "retired", ("weight",))
    monkeypatch.setattr(Patient._meta.sealed_head, "aliases", {"name": "full_name"})
    monkeypatch.setattr(Patient._meta.sealed_head, "schema", 2)
    monkeypatch.setattr(Patient._meta.sealed_head, "upcasters", {1: dict})
    assert check_planned_migrations(["default"]) == []
    monkeypatch.setattr(Patient._meta.sealed_head, "aliases", {})
    monkeypatch.setattr(
        Patient._meta.sealed_head, "upcasters", {1: Lenses(Rename("name", "full_name"))}
    )
    assert check_planned_migrations(["default"]) == []
    assert check_planned_migrations() == []
