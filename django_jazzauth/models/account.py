"""Ways to sign in that are linked to a user: the password, or an account at a provider."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..sealed import EventSourcedModel, HeadField, SealedCharField, SealedTextField

CREDENTIAL = "credential"
"""``provider_id`` of the account that stands for e-mail and password."""


class Account(EventSourcedModel):
    """One way of a user to sign in, as in Better Auth's ``account`` table.

    The ``credential`` account has the user's own id as ``account_id`` and carries no password:
    the hash is in ``user.password``, where Django's auth looks for it.

    ``provider_id`` is plain: there are few providers, so a searchable ciphertext of it would
    hide nothing. The id at the provider and all tokens are sealed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    head = HeadField(entity="account", subject="user")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="accounts",
        verbose_name=_("user"),
    )
    provider_id = models.CharField(_("provider"), max_length=100)
    account_id = SealedCharField(_("id at the provider"), max_length=255, searchable=True)
    access_token = SealedTextField(_("access token"), null=True, blank=True)
    refresh_token = SealedTextField(_("refresh token"), null=True, blank=True)
    id_token = SealedTextField(_("ID token"), null=True, blank=True)
    access_token_expires_at = models.DateTimeField(_("access token ends"), null=True, blank=True)
    refresh_token_expires_at = models.DateTimeField(_("refresh token ends"), null=True, blank=True)
    scope = SealedTextField(_("scope"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        db_table = "jazzauth_account"
        verbose_name = _("linked account")
        verbose_name_plural = _("linked accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["provider_id", "account_id"], name="jazzauth_account_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} account {self.pk}"
