"""Identity proofs: short-lived tokens that an identity signs for itself.

A proof is a compact JWS (RFC 7515) signed with Ed25519 (RFC 8037) that carries its own public key;
the user id follows from the key, so that whoever holds the token can check it alone. It names an
audience and a lifetime. It has no replay protection: a server that spends a proof on something must
remember its ``digest`` until it expires.

Both Jazz issuers are accepted unless the caller says otherwise. The id does not tell them apart: a
caller that wants local-first identities only must pass ``issuers`` or look at ``Proof.issuer``.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django_jazzauth.identity import base64url
from django_jazzauth.identity.audience import normalise_audience
from django_jazzauth.identity.claims import Claims, read_algorithm, read_claims
from django_jazzauth.identity.ed25519_strict import (
    PUBLIC_KEY_LENGTH,
    SIGNATURE_LENGTH,
    decodes_to_point,
    verify_strict,
)
from django_jazzauth.identity.errors import (
    Base64Error,
    InvalidProof,
    MintError,
    SignatureRefused,
)
from django_jazzauth.identity.seed import signing_key, user_id_of
from django_jazzauth.identity.strict_json import LARGEST_INTEGER
from django_jazzauth.identity.wording import optional, quoted, shown

LOCAL_FIRST_ISSUER = "urn:jazz:local-first"
ANONYMOUS_ISSUER = "urn:jazz:anonymous"
KNOWN_ISSUERS = (LOCAL_FIRST_ISSUER, ANONYMOUS_ISSUER)

DEFAULT_TTL = 60
"""Lifetime of a minted proof, in seconds."""

DEFAULT_MAX_TTL = 3600
"""Longest lifetime that verification accepts, in seconds."""

CLOCK_SKEW = 60
"""How far ahead of the verifier's clock ``iat`` may be, in seconds. ``exp`` has no leeway."""

_ALGORITHM = "EdDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a valid proof has proved.

    Attributes:
        user_id: the id derived from the key.
        public_key: the 32 raw bytes of the Ed25519 key.
        issuer: ``LOCAL_FIRST_ISSUER`` or ``ANONYMOUS_ISSUER``.
        audience: the normalised audience that the proof was made for.
        issued_at: Unix time in seconds; up to ``CLOCK_SKEW`` in the future.
        expires_at: Unix time in seconds.
        digest: SHA-256 of the token, for remembering that it was used.
    """

    user_id: uuid.UUID
    public_key: bytes
    issuer: str
    audience: str
    issued_at: int
    expires_at: int
    digest: bytes = field(repr=False)


def mint_proof(
    seed: bytes,
    audience: str | uuid.UUID,
    *,
    ttl: int = DEFAULT_TTL,
    now: float | None = None,
    issuer: str = LOCAL_FIRST_ISSUER,
) -> str:
    """Return a proof that the holder of ``seed`` made for ``audience``.

    The same arguments give the same token, byte for byte the one that Jazz mints.

    Args:
        seed: the 32-byte secret of the identity.
        audience: app id or name of whoever is to verify the proof.
        ttl: lifetime in seconds.
        now: Unix time in seconds; the system clock if not given.
        issuer: ``urn:jazz:local-first`` or ``urn:jazz:anonymous``; verifiers refuse anything else.

    Raises:
        InvalidSeed: ``seed`` is not 32 bytes.
        ImproperAudience: ``audience`` is no proper text.
        MintError: ``ttl`` or ``now`` is negative or too large, or ``issuer`` is no proper text.
    """
    key = signing_key(seed)
    public_key = key.public_key().public_bytes_raw()
    issued_at = _clock(now)
    if not isinstance(ttl, int) or ttl < 0 or issued_at < 0 or issued_at + ttl > LARGEST_INTEGER:
        raise MintError("ttl and time must be whole seconds, not negative, and fit 64 bits")
    if not isinstance(issuer, str):
        raise MintError("the issuer must be text")
    claims: dict[str, str | int] = {
        "iss": issuer,
        "sub": str(user_id_of(public_key)),
        "aud": normalise_audience(audience),
        "jazz_pub_key": base64url.encode(public_key),
        "iat": issued_at,
        "exp": issued_at + ttl,
    }
    signing_input = f"{_segment({'alg': _ALGORITHM, 'typ': 'JWT'})}.{_segment(claims)}"
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode('ascii')))}"


def verify_proof(
    token: str | None,
    audience: str | uuid.UUID,
    *,
    max_ttl: int = DEFAULT_MAX_TTL,
    now: float | None = None,
    issuers: Collection[str] = KNOWN_ISSUERS,
) -> Proof:
    """Check a proof and return what it proves.

    The checks and their order are Jazz's: structure, header, claims, issuer, audience, key,
    signature, subject, times. The first failure decides the code.

    Args:
        token: the compact token as received; nothing is trimmed.
        audience: this server's own app id or name.
        max_ttl: longest acceptable ``exp - iat``, in seconds.
        now: Unix time in seconds; the system clock if not given.
        issuers: the issuers to accept.

    Raises:
        InvalidProof: with the code of the first failed check, whatever ``token`` is.
        ImproperAudience: ``audience``, which is the caller's, is no proper text.
    """
    expected_audience = normalise_audience(audience)
    accepted = (issuers,) if isinstance(issuers, str) else issuers
    if token is None or token == "":
        raise InvalidProof("missing-token", "proofToken is required")
    if not isinstance(token, str):
        raise InvalidProof("structure", "invalid token: expected 3 parts of text")
    try:
        header, payload, signature = token.split(".", 2)
    except ValueError:
        raise InvalidProof("structure", "invalid token: expected 3 parts") from None

    algorithm = read_algorithm(_decoded(header, "header-base64", "header decode"))
    if algorithm != _ALGORITHM:
        raise InvalidProof("alg", f"unsupported alg: {optional(algorithm)}")
    claims = read_claims(_decoded(payload, "claims-base64", "claims decode"))

    if claims.iss is None or claims.iss not in accepted:
        raise InvalidProof("issuer", f"invalid issuer: {optional(claims.iss)}")
    if claims.aud != expected_audience:
        raise InvalidProof(
            "audience",
            f"audience mismatch: expected {quoted(expected_audience)}, got {optional(claims.aud)}",
        )
    public_key = _public_key(claims.jazz_pub_key)
    _check_signature(public_key, signature, f"{header}.{payload}")
    user_id = user_id_of(public_key)
    if claims.sub is None:
        raise InvalidProof("missing-sub", "missing sub")
    if claims.sub != str(user_id):
        raise InvalidProof(
            "sub-mismatch", f"sub mismatch: expected {user_id}, got {shown(claims.sub)}"
        )
    issued_at, expires_at = _checked_times(claims, _clock(now), max_ttl)
    return Proof(
        user_id=user_id,
        public_key=public_key,
        issuer=claims.iss,
        audience=expected_audience,
        issued_at=issued_at,
        expires_at=expires_at,
        digest=hashlib.sha256(token.encode("ascii")).digest(),
    )


def _clock(now: float | None) -> int:
    return int(time.time() if now is None else now)


def _segment(members: Mapping[str, str | int]) -> str:
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    try:
        return base64url.encode(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise MintError("the issuer is not valid Unicode text") from None


def _decoded(segment: str, code: str, prefix: str) -> bytes:
    try:
        return base64url.decode(segment)
    except Base64Error as error:
        raise InvalidProof(code, f"{prefix}: {error}") from None


def _public_key(text: str | None) -> bytes:
    if text is None:
        raise InvalidProof("missing-pub-key", "missing jazz_pub_key")
    key = _decoded(text, "pub-key-base64", "pub key decode")
    if len(key) != PUBLIC_KEY_LENGTH:
        raise InvalidProof("pub-key-length", f"pub key must be 32 bytes, got {len(key)}")
    if not decodes_to_point(key):
        raise InvalidProof(
            "pub-key", "invalid pub key: signature error: Cannot decompress Edwards point"
        )
    return key


def _check_signature(public_key: bytes, segment: str, signing_input: str) -> None:
    signature = _decoded(segment, "signature-base64", "sig decode")
    if len(signature) != SIGNATURE_LENGTH:
        raise InvalidProof("signature-length", "signature must be 64 bytes")
    try:
        verify_strict(public_key, signature, signing_input.encode("ascii"))
    except SignatureRefused as error:
        raise InvalidProof("signature", f"signature verification failed: {error}") from None


def _checked_times(claims: Claims, now: int, max_ttl: int) -> tuple[int, int]:
    if claims.iat is None:
        raise InvalidProof("missing-iat", "missing iat")
    if claims.exp is None:
        raise InvalidProof("missing-exp", "missing exp")
    if claims.iat > now + CLOCK_SKEW:
        raise InvalidProof("future-iat", f"token issued in the future: iat={claims.iat}, now={now}")
    if claims.exp <= now:
        raise InvalidProof("expired", f"token expired: exp={claims.exp}, now={now}")
    lifetime = max(0, claims.exp - claims.iat)
    if lifetime > max_ttl:
        raise InvalidProof("ttl", f"token ttl {lifetime}s exceeds max {max_ttl}s")
    return claims.iat, claims.exp
