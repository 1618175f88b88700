"""Proofs of identity that have been used, so that none is used twice."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class UsedProofManager(models.Manager["UsedProof"]):
    """Remembers proofs."""

    def use(self, proof: str, *, expires_at: datetime) -> bool:
        """Remember ``proof``; ``False`` when it was used before, in whichever process.

        The unique index decides between two callers, and the row belongs to the caller's
        transaction: a sign-up that fails later gives the proof back.

        Args:
            proof: the token, as it came.
            expires_at: when the proof itself ends; from then on it need not be remembered.
        """
        if not settings.USE_TZ and timezone.is_aware(expires_at):
            expires_at = timezone.make_naive(expires_at)
        digest = hashlib.sha256(proof.encode("utf-8", "surrogatepass")).hexdigest()
        try:
            with transaction.atomic(using=self.db):
                self.create(digest=digest, expires_at=expires_at)
        except IntegrityError:
            return False
        return True

    def clear_expired(self) -> int:
        """Forget proofs that have run out by themselves; returns how many there were."""
        return self.filter(expires_at__lte=timezone.now()).delete()[0]


class UsedProof(models.Model):
    """The SHA-256 of a proof. A plain model: it says nothing about anybody.

    The digest is stored as hex because MariaDB cannot index a binary column without a length.
    """

    digest = models.CharField(_("SHA-256 of the proof"), max_length=64, primary_key=True)
    expires_at = models.DateTimeField(_("expires at"), db_index=True)

    objects = UsedProofManager()

    class Meta:
        db_table = "jazzauth_used_proof"
        verbose_name = _("used proof")
        verbose_name_plural = _("used proofs")

    def __str__(self) -> str:
        return self.digest
