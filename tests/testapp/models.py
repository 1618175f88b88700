"""Models of the tests: event-sourced ones of several shapes, and plain ones that point at them."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models

from django_jazzauth.sealed import (
    EventSourcedModel,
    HeadField,
    SealedCharField,
    SealedEmailField,
    SealedJSONField,
    SealedTextField,
    seal,
)


class Ward(EventSourcedModel):
    """A sealed model with an automatic integer key."""

    head = HeadField(entity="ward")
    name = SealedCharField(max_length=40, searchable=True, casefold=True, unique=True)
    beds = models.PositiveIntegerField(default=10)


class Tag(models.Model):
    """A plain model on the other side of a many-to-many relation."""

    label = models.CharField(max_length=20, unique=True)


class Patient(EventSourcedModel):
    """A sealed model with a UUID key, an owner, and a field of every kind."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = HeadField(entity="patient", subject="owner", aliases={"remarks": "notes"})
    record_no = SealedCharField(max_length=20, searchable=True, unique=True)
    email = SealedEmailField(blank=True, searchable=True, casefold=True)
    name = SealedCharField(max_length=60, default="")
    notes = SealedTextField(blank=True, default="")
    extra = SealedJSONField(null=True, blank=True)
    born = seal(models.DateField)(null=True, blank=True)
    weight = seal(models.DecimalField)(max_digits=6, decimal_places=2, null=True, blank=True)
    visits = models.IntegerField(default=0)
    seen_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="patients"
    )
    ward = models.ForeignKey(Ward, models.SET_NULL, null=True, blank=True)
    tags = models.ManyToManyField(Tag, blank=True)


class Letter(models.Model):
    """A plain third-party model that points at a sealed one."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="letters")
    subject = models.CharField(max_length=60, default="")


class VipPatient(Patient):
    """A proxy."""

    class Meta:
        proxy = True


class Treatment(EventSourcedModel):
    """A sealed model with hooks of its own, as projects write them, and a relation to itself."""

    head = HeadField(entity="treatment")
    code = SealedCharField(max_length=20, searchable=True, default="")
    status = models.CharField(max_length=10, default="new")
    price = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    dose = seal(models.DecimalField)(max_digits=6, decimal_places=2, null=True)
    factor = models.FloatField(null=True)
    follows = models.ManyToManyField("self", blank=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.status_before = self.status

    @classmethod
    def from_db(cls, db: Any, field_names: Any, values: Any, **kwargs: Any) -> Any:
        instance = super().from_db(db, field_names, values, **kwargs)
        instance.came_from = db
        return instance


class LabTreatment(Treatment):
    """A child table of a sealed model, with streams of its own."""

    lab_head = HeadField(entity="lab_treatment")
    lab = SealedCharField(max_length=20, default="")


class Scored(EventSourcedModel):
    """A sealed number that can be looked up."""

    head = HeadField(entity="scored")
    score = seal(models.IntegerField)(searchable=True, null=True)
