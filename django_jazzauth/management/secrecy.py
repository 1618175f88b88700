"""Which fields are never shown, not even to those who may see everything else."""

from __future__ import annotations

from typing import Any

from django.db import models

from ..sealed import SealedFieldMixin

SECRET_WORDS = frozenset(
    (
        *("code", "codes", "cookie", "credential", "credentials", "hash", "jwk", "key", "keys"),
        *("nonce", "otp", "passphrase", "passwd", "password", "passwords", "pin", "salt"),
        *("secret", "secrets", "signature", "token", "tokens"),
    )
)

# Of this package's own models: what gives no sign of it in its name.
_OWN = {
    "session": frozenset({"data"}),
    "verification": frozenset({"identifier", "value"}),
}
_HARMLESS = (models.DateField, models.TimeField, models.BooleanField)


def secret_fields(model: Any) -> frozenset[str]:
    """Names of the fields whose values are shown nowhere: password hashes, tokens, keys.

    A field counts as secret when one of the words of its name is in ``SECRET_WORDS``, unless it
    holds a date, a time, a yes or no, or a reference. A model names further ones in a class
    attribute ``secret_fields``.

    Args:
        model: an event-sourced model, or an instance of one.

    Returns:
        Field names.
    """
    head = getattr(model._meta, "sealed_head", None)
    found = set(getattr(model, "secret_fields", ()))
    if head is not None:
        found |= _OWN.get(head.entity, frozenset())
    for field in model._meta.get_fields():
        if field.is_relation or isinstance(field, _HARMLESS):
            continue
        if SECRET_WORDS.intersection(field.name.lower().split("_")):
            found.add(field.name)
    return frozenset(found)


def is_sealed(field: Any) -> bool:
    """Whether a model field keeps its value in the head."""
    return isinstance(field, SealedFieldMixin)
