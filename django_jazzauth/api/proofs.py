"""Proofs of a local-first identity that come with a sign-up."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import IntegerField
from django.utils import timezone

from ..conf import get_settings
from ..identity import KNOWN_ISSUERS, LOCAL_FIRST_ISSUER, InvalidProof, Proof, verify_proof
from .errors import ApiError

_FAILURES = (
    *("missing-token", "structure", "header-base64", "header-json", "alg", "claims-base64"),
    *("claims-json", "unknown-claim", "duplicate-claim", "issuer", "audience"),
    *("missing-pub-key", "pub-key-base64", "pub-key-length", "pub-key", "signature-base64"),
    *("signature-length", "signature", "missing-sub", "sub-mismatch", "missing-iat"),
    *("missing-exp", "future-iat", "expired", "ttl"),
)


def proof_of(token: str | None) -> Proof | None:
    """The verified proof of a sign-up, ``None`` when none came and none is needed.

    It must be made for our audience, at most five minutes ago by default, by somebody who keeps
    their identity: an anonymous one is made anew at every start of an app, so an account bound to
    it would be lost to its owner. Using it up is the caller's next step.

    Raises:
        ApiError: 400 with the verifier's own words.
    """
    settings = get_settings()
    options = settings.PROOF
    if not token:
        if options.REQUIRED:
            raise ApiError(400, "PROOF_REQUIRED")
        return None
    audience = options.AUDIENCE or settings.APP_ID
    if audience is None or not keys_hold_identities():
        raise ApiError(400, "PROOF_NOT_SUPPORTED")
    issuers = KNOWN_ISSUERS if options.ALLOW_ANONYMOUS else (LOCAL_FIRST_ISSUER,)
    try:
        proof = verify_proof(token, audience, issuers=issuers)
    except InvalidProof as error:
        raise ApiError(400, wire_code(error), str(error)) from None
    if timezone.now().timestamp() - proof.issued_at > options.MAX_AGE:
        raise ApiError(400, "PROOF_TOO_OLD")
    return proof


def keys_hold_identities() -> bool:
    """Whether the user model's key can be the id of an identity, a UUID; a number cannot."""
    return not isinstance(get_user_model()._meta.pk, IntegerField)


def wire_code(error: InvalidProof) -> str:
    """The code that the client gets: ``PROOF_`` and the class of failure, ``PROOF_SIGNATURE``."""
    return _wire_code(error.code)


def _wire_code(failure: str) -> str:
    return f"PROOF_{failure.upper().replace('-', '_')}"


REFUSED_PROOF = (
    *("PROOF_REQUIRED", "PROOF_NOT_SUPPORTED", "PROOF_TOO_OLD", "PROOF_ALREADY_USED"),
    *map(_wire_code, _FAILURES),
)
"""What a sign-up with a proof is refused with, as 400."""
