"""The key pairs that sign JWTs, as stored."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..sealed import EventSourcedModel, HeadField, SealedJSONField


class SigningKey(EventSourcedModel):
    """One key pair; its id is the ``kid``. The private JWK is sealed, the public one is public.

    A key is published from ``created_at``, signs from ``active_from`` until ``expires_at`` (for
    good when that is NULL), and stays published for the grace period after it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = HeadField(entity="signing_key")
    algorithm = models.CharField(_("algorithm"), max_length=16)
    public_jwk = models.JSONField(_("public key"))
    private_jwk = SealedJSONField(_("private key"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    active_from = models.DateTimeField(_("signs from"), default=timezone.now)
    expires_at = models.DateTimeField(_("signs until"), null=True, blank=True)

    class Meta:
        app_label = "django_jazzauth"
        db_table = "jazzauth_signing_key"
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")

    def __str__(self) -> str:
        return f"{self.algorithm} key {self.pk}"
