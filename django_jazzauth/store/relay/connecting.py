"""A connection to NATS as the settings describe it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...conf import ImproperJazzAuthSettings
from ...conf_relay import RelaySettings
from ...deferred import deferred

if TYPE_CHECKING:
    import nats
    from nats.aio.client import Client
else:
    nats = deferred("nats")

INSTALLED = find_spec("nats") is not None  # it is the extra "nats"

_PING = 10  # seconds; after two without an answer the connection is given up


async def connect(given: RelaySettings, failed: Callable[[Exception], Awaitable[None]]) -> Client:
    """Connect once; nothing is mended when the connection breaks.

    Args:
        given: where and as whom.
        failed: told of what is raised beside the calls.

    Raises:
        ImproperSettings: a file of TLS cannot be used.
        OSError, nats.errors.Error: NATS does not answer, or refuses.
    """
    return await nats.connect(
        given.servers,
        name=f"jazzauth relay {given.NAME}",
        allow_reconnect=False,
        max_reconnect_attempts=0,
        connect_timeout=max(1, round(given.TIMEOUT)),
        error_cb=failed,
        ping_interval=_PING,
        user=given.USER,
        password=given.PASSWORD,
        token=given.TOKEN,
        user_credentials=given.CREDENTIALS_FILE,
        nkeys_seed=given.NKEY_SEED_FILE,
        tls=_tls(given),
    )


def _tls(given: RelaySettings) -> ssl.SSLContext | None:
    encrypted = any(server.startswith(("tls://", "wss://")) for server in given.servers)
    if not encrypted and given.TLS_CA_FILE is None and given.TLS_CERT_FILE is None:
        return None
    try:
        context = ssl.create_default_context(cafile=given.TLS_CA_FILE)
        if given.TLS_CERT_FILE is not None:
            context.load_cert_chain(given.TLS_CERT_FILE, given.TLS_KEY_FILE)
    except OSError as error:  # ssl's own among them
        raise ImproperJazzAuthSettings(
            f'JAZZAUTH["RELAY"]: a file of TLS cannot be used: {error.strerror}.'
        ) from None
    return context
