"""Key providers to be named in ``JAZZAUTH["KEY_PROVIDER"]``: environment and file."""

from __future__ import annotations

import os

from django.views.decorators.debug import sensitive_variables

from ..conf import NAME, ImproperJazzAuthSettings
from ..errors import ImproperSecret
from .provider import SealedGrant
from .secret import WorkerSecret
from .vault import VaultTransitKeyProvider

ENV_SECRET = "JAZZAUTH_WORKER_SECRET"  # noqa: S105 - a name
ENV_FILE = "JAZZAUTH_WORKER_SECRET_FILE"
_MAX_FILE = 4096


class SecretKeyProvider:
    """A worker whose secret is in this process's memory.

    Args:
        secret: the worker secret.
    """

    def __init__(self, secret: WorkerSecret) -> None:
        self._secret = secret

    @property
    def worker_id(self) -> str:
        """Fingerprint of the public keys."""
        return self._secret.worker_id

    def public_key(self, suite: str) -> bytes:
        """The public key's bytes for an HPKE suite."""
        return self._secret.public_key(suite)

    def unseal(self, grant: SealedGrant) -> bytes:
        """The epoch key in a grant to this worker."""
        return self._secret.unseal(grant)

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 under a key that follows from the secret."""
        return self._secret.mac(data)


class EnvKeyProvider(SecretKeyProvider):
    """The worker secret in an environment variable.

    Args:
        variable: its name.

    Raises:
        ImproperSettings: it is not set.
        ImproperSecret: it was mistyped or cut short.
    """

    @sensitive_variables()
    def __init__(self, *, variable: str = ENV_SECRET) -> None:
        text = os.environ.get(variable)
        if not text:
            raise ImproperJazzAuthSettings(
                f'{NAME}["KEY_PROVIDER"]: the environment variable {variable} is not set.'
            )
        super().__init__(secret_from(text, f"environment variable {variable}"))


class FileKeyProvider(SecretKeyProvider):
    """The worker secret in a file.

    Args:
        path: the file; without it the environment variable ``JAZZAUTH_WORKER_SECRET_FILE`` says.

    Raises:
        ImproperSettings: it cannot be read, or none is named.
        ImproperSecret: it was mistyped or cut short.
    """

    @sensitive_variables()
    def __init__(self, *, path: str | os.PathLike[str] | None = None) -> None:
        named = os.fspath(path) if path else os.environ.get(ENV_FILE)
        where = f'{NAME}["KEY_PROVIDER_OPTIONS"]["path"]'
        if not named:
            raise ImproperJazzAuthSettings(
                f"Neither {where} nor the environment variable {ENV_FILE} names a file."
            )
        super().__init__(secret_from(read_secret_file(named, where), f"file {named}"))


@sensitive_variables()
def secret_from(text: str, place: str) -> WorkerSecret:
    """A worker secret from its text.

    Raises:
        ImproperSecret: it was mistyped or cut short; says where it was found.
    """
    try:
        return WorkerSecret.from_text(text)
    except ImproperSecret as error:
        raise ImproperSecret(f"{place}: {error}") from None


@sensitive_variables()
def read_secret_file(path: str, where: str) -> str:
    """The text of a file that holds a secret.

    Raises:
        ImproperSettings: it cannot be read.
        ImproperSecret: it is no text file.
    """
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_FILE).decode("ascii")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ImproperJazzAuthSettings(
            f"{where} names {path}, which cannot be read ({reason}). Mend the path or its "
            "permissions, or run `manage.py jazzauth init` to make a new secret."
        ) from None
    except UnicodeDecodeError:
        raise ImproperSecret(f"{where} names {path}, which is not a text file.") from None


__all__ = [
    "EnvKeyProvider",
    "FileKeyProvider",
    "SecretKeyProvider",
    "VaultTransitKeyProvider",
]
