"""Local-first identity: a secret on a device that proves who its holder is, as in Jazz.

Usable alone, without Django: derive the id of a seed, mint and verify proofs, write a seed down as
a recovery phrase.

    seed = generate_seed()
    token = mint_proof(seed, "my-app")
    assert verify_proof(token, "my-app").user_id == derive_user_id(seed)
"""

from django_jazzauth.identity.audience import normalise_audience
from django_jazzauth.identity.errors import (
    ImproperAudience,
    InvalidProof,
    InvalidSeed,
    MintError,
    RecoveryPhraseError,
)
from django_jazzauth.identity.proof import (
    ANONYMOUS_ISSUER,
    CLOCK_SKEW,
    DEFAULT_MAX_TTL,
    DEFAULT_TTL,
    KNOWN_ISSUERS,
    LOCAL_FIRST_ISSUER,
    Proof,
    mint_proof,
    verify_proof,
)
from django_jazzauth.identity.recovery_phrase import RecoveryPhrase
from django_jazzauth.identity.seed import (
    derive_public_key,
    derive_user_id,
    generate_seed,
    seed_from_text,
    seed_to_text,
    user_id_of,
)

__all__ = [
    "ANONYMOUS_ISSUER",
    "CLOCK_SKEW",
    "DEFAULT_MAX_TTL",
    "DEFAULT_TTL",
    "KNOWN_ISSUERS",
    "LOCAL_FIRST_ISSUER",
    "ImproperAudience",
    "InvalidProof",
    "InvalidSeed",
    "MintError",
    "Proof",
    "RecoveryPhrase",
    "RecoveryPhraseError",
    "derive_public_key",
    "derive_user_id",
    "generate_seed",
    "mint_proof",
    "normalise_audience",
    "seed_from_text",
    "seed_to_text",
    "user_id_of",
    "verify_proof",
]
