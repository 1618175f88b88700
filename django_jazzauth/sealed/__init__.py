"""Event-sourced, sealed models: the ORM side of the store.

Declare a model as usual, derive it from ``EventSourcedModel`` and give it sealed fields; its rows
then are projections of encrypted streams.
"""

from . import lookups as lookups  # registers the lookups of sealed fields
from . import prepare as prepare  # prepares model classes as they are defined
from .creating import creates_plainly
from .fields import (
    FoldedField,
    SealedCharField,
    SealedEmailField,
    SealedFieldMixin,
    SealedJSONField,
    SealedTextField,
    seal,
    sealed_field,
)
from .head_field import HeadField
from .model import EventSourcedMixin, EventSourcedModel
from .queryset import EventStoreManager, EventStoreQuerySet, EventStoreQuerySetMixin

__all__ = [
    "EventSourcedMixin",
    "EventSourcedModel",
    "EventStoreManager",
    "EventStoreQuerySet",
    "EventStoreQuerySetMixin",
    "FoldedField",
    "HeadField",
    "SealedCharField",
    "SealedEmailField",
    "SealedFieldMixin",
    "SealedJSONField",
    "SealedTextField",
    "creates_plainly",
    "seal",
    "sealed_field",
]
