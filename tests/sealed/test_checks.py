"""System checks of event-sourced models."""

from __future__ import annotations

from typing import Any

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
from django_jazzauth.store import registry
from tests.testapp.models import Patient, Treatment


def ids(model: Any) -> set[str]:
    return {message.id for message in model.check() if message.id.startswith("jazzauth.")}


def test_the_projects_own_models_are_clean() -> None:
    assert [m for m in run_checks() if m.id.startswith(("jazzauth.E02", "jazzauth.W02"))] == []


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
        notes = SealedTextField()
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
        head = HeadField(entity="lost", subject="nobody")

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
            "jazzauth.W021",
            "jazzauth.W022",
            "jazzauth.W023",
        }
        assert ids(Lost) == {"jazzauth.E024", "jazzauth.E026", "jazzauth.W020"}
        assert ids(Astray) == {"jazzauth.E024", "jazzauth.E026"}
        assert ids(Visit) == {"jazzauth.E022"}
        assert ids(Child) == {"jazzauth.E025"}
        assert ids(Proxy) == set()
        assert ids(Patient) == ids(Treatment) == set()
    finally:
        registry._projectors.clear()
        registry._projectors.update(known)
