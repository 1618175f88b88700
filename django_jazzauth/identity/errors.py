"""The failures of local-first identity, each with a stable ``code``.

No text here carries a seed, a private key or a token: only what Jazz's own messages say about a
claim (its audience, issuer, subject), escaped and cut to a bounded length.
"""

from __future__ import annotations

from django_jazzauth.errors import JazzAuthError


class InvalidProof(JazzAuthError):
    """A proof that does not prove its identity.

    ``code`` names the class of failure and stays the same between releases:

    ``missing-token``, ``structure``, ``header-base64``, ``header-json``, ``alg``,
    ``claims-base64``, ``claims-json``, ``unknown-claim``, ``duplicate-claim``, ``issuer``,
    ``audience``, ``missing-pub-key``, ``pub-key-base64``, ``pub-key-length``, ``pub-key``,
    ``signature-base64``, ``signature-length``, ``signature``, ``missing-sub``, ``sub-mismatch``,
    ``missing-iat``, ``missing-exp``, ``future-iat``, ``expired``, ``ttl``.

    ``message`` (also ``str()`` of the exception) begins as Jazz's own message does, so that a
    client that shows it sees what a Jazz server would have said.

    Args:
        code: one of the codes above.
        message: text for people.
    """

    code: str = "invalid-proof"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)  # both in args, so that the exception can be pickled
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class RecoveryPhraseError(JazzAuthError):
    """A recovery phrase or a secret that cannot be turned into the other.

    ``code`` is Jazz's: ``invalid-length``, ``invalid-word``, ``invalid-checksum`` or
    ``invalid-secret``.

    Args:
        code: one of the codes above.
        message: text for people. For ``invalid-word`` it repeats the word that is not in the list,
            as Jazz does: show it to the person who typed it, do not log it.
    """

    code: str = "invalid-phrase"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class InvalidSeed(JazzAuthError, ValueError):
    """A seed that is not exactly 32 bytes, or whose text form is not base64url of 32 bytes."""

    code: str = "INVALID_SEED"


class ImproperAudience(JazzAuthError, ValueError):
    """An audience given by the caller that is no text, or no text that UTF-8 can hold."""

    code: str = "IMPROPER_AUDIENCE"


class MintError(JazzAuthError, ValueError):
    """A lifetime, time or issuer that a proof cannot carry."""

    code: str = "PROOF_NOT_MINTABLE"


class Base64Error(JazzAuthError, ValueError):
    """Text that is not strict base64url."""

    code: str = "INVALID_BASE64URL"


class JsonError(JazzAuthError, ValueError):
    """Bytes that are not strict JSON, or JSON of another shape than asked for."""

    code: str = "INVALID_JSON"


class SignatureRefused(JazzAuthError):
    """An Ed25519 signature that strict verification does not accept."""

    code: str = "SIGNATURE_REFUSED"
