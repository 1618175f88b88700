"""A worker secret that only HashiCorp Vault's transit engine, or one like it, can unwrap."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import os
import time
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from django.views.decorators.debug import sensitive_variables

from ..conf import NAME, ImproperJazzAuthSettings
from ..crypto.hpke import SUITES
from ..errors import ImproperSecret, KeyProviderFailed
from .provider import SealedGrant
from .secret import WorkerSecret

ENV_TOKEN = "VAULT_TOKEN"  # noqa: S105 - a name
_WHERE = f'{NAME}["KEY_PROVIDER_OPTIONS"]'
_PAUSES = (0.1, 0.4)
_MAX_ANSWER = 65536
_TRANSIENT = frozenset({412, 429, 500, 502, 503, 504})


class VaultTransitKeyProvider:
    """Has the worker secret unwrapped by ``POST <url>/v1/<mount>/decrypt/<key>`` when it is needed.

    The settings hold the wrapped secret (``vault:v1:…``), which is of no use without Vault; who may
    decrypt it, and until when, is Vault's to say. The secret itself is not kept between two uses,
    which come at the start of a process and whenever the epoch changes. Epoch keys are kept.

    Args:
        url: Vault's address, ``https://vault.example.org:8200``; ``http://`` on the loopback only,
            where an agent of Vault's may listen. Neither proxies of the environment nor ``.netrc``
            are heeded: token and secret go to this address, and nowhere else.
        key: name of the transit key.
        ciphertext: the wrapped text of the worker secret, ``vault:v1:…``; or ``ciphertext_file``.
        ciphertext_file: a file that holds it.
        token_file: a file with Vault's token, read anew each time; without it the environment
            variable ``VAULT_TOKEN`` has it.
        mount: where the transit engine is mounted.
        namespace: Vault's namespace, if it has any.
        ca_file: certificates to trust; by default those of ``requests``.
        timeout: seconds to connect, and seconds to wait for each part of the answer.

    Raises:
        ImproperSettings: an option is missing or contradicts another.
    """

    def __init__(
        self,
        *,
        url: str,
        key: str,
        ciphertext: str | None = None,
        ciphertext_file: str | os.PathLike[str] | None = None,
        token_file: str | os.PathLike[str] | None = None,
        mount: str = "transit",
        namespace: str | None = None,
        ca_file: str | None = None,
        timeout: float = 5.0,
    ) -> None:
        parts = urlsplit(url)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))
        ):
            raise ImproperJazzAuthSettings(
                f'{_WHERE}["url"] must be an https:// address; http:// is for the loopback.'
            )
        if (ciphertext is None) == (ciphertext_file is None):
            raise ImproperJazzAuthSettings(
                f"{_WHERE} must have one of ciphertext and ciphertext_file."
            )
        self._host = parts.netloc.rpartition("@")[2]
        self._address = f"{url.rstrip('/')}/v1/{quote(mount)}/decrypt/{quote(key, safe='')}"
        self._ciphertext = ciphertext
        self._ciphertext_file = ciphertext_file
        self._token_file = token_file
        self._namespace = namespace
        self._verify: bool | str = ca_file or True
        self._timeout = timeout
        self._known: tuple[str, dict[str, bytes]] | None = None

    def __repr__(self) -> str:
        return f"<VaultTransitKeyProvider {self._host}>"

    @property
    def worker_id(self) -> str:
        """Fingerprint of the public keys."""
        return self._public()[0]

    def public_key(self, suite: str) -> bytes:
        """The public key's bytes for an HPKE suite."""
        keys = self._public()[1]
        return keys[suite] if suite in keys else self._secret().public_key(suite)

    def unseal(self, grant: SealedGrant) -> bytes:
        """The epoch key in a grant to this worker."""
        return self._secret().unseal(grant)

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA256 under a key that follows from the secret."""
        return self._secret().mac(data)

    def _public(self) -> tuple[str, dict[str, bytes]]:
        if self._known is None:
            secret = self._secret()
            keys = {suite: secret.public_key(suite) for suite in SUITES}
            self._known = secret.worker_id, keys
        return self._known

    @sensitive_variables()
    def _secret(self) -> WorkerSecret:
        answer = self._ask()
        try:
            plain = base64.b64decode(answer["data"]["plaintext"], validate=True).decode("ascii")
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise KeyProviderFailed(f"What {self._host} answered is no plaintext.") from None
        try:
            return WorkerSecret.from_text(plain)
        except ImproperSecret:
            raise KeyProviderFailed(
                f"What {self._host} unwrapped is no worker secret: wrap the text that `manage.py "
                "jazzauth worker add` writes."
            ) from None

    @sensitive_variables()
    def _ask(self) -> Any:
        headers = {"X-Vault-Token": self._token(), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        body = {"ciphertext": self._wrapped()}
        for pause in (*_PAUSES, None):
            try:
                # No redirect: the token is for this address alone.
                with (
                    _session() as session,
                    session.post(
                        self._address,
                        json=body,
                        headers=headers,
                        timeout=self._timeout,
                        verify=self._verify,
                        allow_redirects=False,
                        stream=True,
                    ) as response,
                ):
                    status = response.status_code
                    if status == 200:
                        return _json(response, self._host)
                failed = f"{self._host} refused to unwrap the worker secret: status {status}."
                if status not in _TRANSIENT:
                    break
            except requests.RequestException as error:
                # Its own text may quote the request.
                failed = f"{self._host} cannot be asked: {type(error).__name__}."
            if pause is not None:
                time.sleep(pause)
        raise KeyProviderFailed(failed)

    def _wrapped(self) -> str:
        if self._ciphertext is not None:
            return self._ciphertext
        return _text_of(self._ciphertext_file, "ciphertext_file")

    @sensitive_variables()
    def _token(self) -> str:
        if self._token_file is not None:
            return _text_of(self._token_file, "token_file")
        token = os.environ.get(ENV_TOKEN)
        if not token:
            raise ImproperJazzAuthSettings(
                f"There is no token for {self._host}: set the environment variable {ENV_TOKEN}, or "
                f'{_WHERE}["token_file"].'
            )
        return token


def _json(response: requests.Response, host: str) -> Any:
    text = b""
    for chunk in response.iter_content(_MAX_ANSWER):
        text += chunk
        if len(text) > _MAX_ANSWER:
            raise KeyProviderFailed(f"What {host} answered is too long.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # the latter: nested too deeply
        raise KeyProviderFailed(f"What {host} answered is no JSON.") from None


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@sensitive_variables()
def _text_of(path: Any, option: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read(_MAX_ANSWER).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise ImproperJazzAuthSettings(
            f'{_WHERE}["{option}"] names {path}, which cannot be read ({reason}).'
        ) from None
