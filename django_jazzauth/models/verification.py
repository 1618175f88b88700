"""Short-lived values that prove something once: reset tokens, codes, OAuth states."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..sealed import (
    EventSourcedModel,
    EventStoreManager,
    HeadField,
    SealedCharField,
    SealedTextField,
)


class VerificationManager(EventStoreManager):
    """Creates verifications and uses them up."""

    def issue(
        self, identifier: str, value: str, *, lifetime: timedelta, user: Any = None
    ) -> Verification:
        """Store ``value`` under ``identifier`` until ``lifetime`` has passed.

        Args:
            identifier: what it is looked up by, for example ``reset-password:<token>``.
            lifetime: for how long it can be redeemed.
            value: what the holder of the identifier gets, for example a user id.
            user: whom it is about, if that is known. It is then sealed under that person's data
                key, and forgotten with them.
        """
        verification: Verification = self.create(
            identifier=identifier,
            value=value,
            expires_at=timezone.now() + lifetime,
            user=user,
        )
        return verification

    def consume(self, identifier: str, *, now: datetime | None = None) -> str | None:
        """Use up the newest verification of ``identifier`` and return its value.

        Only one caller gets it, also when several processes try at once: whoever deletes the row
        has it. ``None`` when there is none, it has run out, or another caller was faster.
        """
        newest = self.filter(identifier=identifier).order_by("-created_at", "pk").first()
        if newest is None:
            return None
        value: str = newest.value
        deleted, _by_model = self.filter(pk=newest.pk).delete()
        if not deleted or newest.expires_at <= (now or timezone.now()):
            return None
        return value

    def clear_expired(self) -> int:
        """Delete what has run out; returns how many there were."""
        deleted, _by_model = self.filter(expires_at__lte=timezone.now()).delete()
        return int(deleted)


class Verification(EventSourcedModel):
    """A value that may be redeemed once, as in Better Auth's ``verification`` table.

    Whom it is about is often not known yet. Such a verification is its own subject.
    """

    # What was used up must not come back.
    sealed_restorable = False

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = HeadField(entity="verification", subject="user")
    identifier = SealedCharField(_("identifier"), max_length=255, searchable=True)
    value = SealedTextField(_("value"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("user"),
    )
    expires_at = models.DateTimeField(_("expires at"), db_index=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = VerificationManager()

    class Meta:
        db_table = "jazzauth_verification"
        verbose_name = _("verification")
        verbose_name_plural = _("verifications")

    def __str__(self) -> str:
        return f"verification {self.pk}"
