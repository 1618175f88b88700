"""A model with a field of every kind, which went through a change of its schema."""

from __future__ import annotations

import uuid

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

from .upcasters import TO_2


class Shelf(models.Model):
    """A plain model on the other side of a many-to-many relation."""

    label = models.CharField(max_length=20)


class Specimen(EventSourcedModel):
    """Something that belongs to a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = HeadField(entity="specimen", subject="owner", schema=2, upcasters={1: TO_2})
    number = SealedCharField(max_length=20, searchable=True, unique=True)
    email = SealedEmailField(blank=True, searchable=True, casefold=True)
    first = SealedCharField(max_length=60, default="")
    last = SealedCharField(max_length=60, default="")
    grams = seal(models.IntegerField)(null=True)
    notes = SealedTextField(blank=True, default="")
    extra = SealedJSONField(null=True)
    found_on = seal(models.DateField)(null=True)
    price = seal(models.DecimalField)(max_digits=8, decimal_places=2, null=True)
    seen_at = models.DateTimeField(null=True)
    lasting = models.DurationField(null=True)
    factor = models.FloatField(null=True)
    active = models.BooleanField(default=True)
    raw = models.BinaryField(null=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True)
    shelves = models.ManyToManyField(Shelf)
    related = models.ManyToManyField("self")
