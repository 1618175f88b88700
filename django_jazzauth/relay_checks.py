"""System checks of ``JAZZAUTH["RELAY"]``.

``jazzauth.E060``  a relay is configured, but nats-py is not installed.
``jazzauth.E061``  the address of NATS is none.
``jazzauth.E062``  ``COPIES`` names a database that is none.
``jazzauth.W060``  events and keys go to another machine over a connection that is not encrypted.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections

from .conf import NAME, get_settings
from .errors import ImproperSettings
from .store.relay.connecting import INSTALLED

_SCHEMES = ("nats", "tls", "ws", "wss")
_ENCRYPTED = ("tls", "wss")
_HERE = ("localhost", "127.0.0.1", "::1")


def check_relay(**kwargs: Any) -> list[CheckMessage]:
    """``jazzauth.E060`` to ``E062``, and ``W060``. Nothing is connected."""
    try:
        given = get_settings().RELAY
    except ImproperSettings:
        return []  # E001 says it
    found: list[CheckMessage] = [
        Error(
            f'{NAME}["RELAY"]["COPIES"] names {alias!r}, which DATABASES does not.',
            hint="Name the alias of the database that `jazzauth follow` writes to.",
            id="jazzauth.E062",
        )
        for alias in given.COPIES
        if alias not in connections.databases
    ]
    if not given.servers:
        return found
    if not INSTALLED:
        found.append(
            Error(
                f'{NAME}["RELAY"] names a NATS server, and nats-py is not installed.',
                hint="Install django-jazzauth[nats].",
                id="jazzauth.E060",
            )
        )
    # Without what stands before the host: a password may be there.
    parts = [urlsplit(server) for server in given.servers]
    if any(part.scheme not in _SCHEMES or not part.hostname for part in parts):
        found.append(
            Error(
                f'{NAME}["RELAY"]["URL"] is no address of a NATS server.',
                hint='Write it as "tls://nats.example.org:4222", or with nats://, ws:// or wss://.',
                id="jazzauth.E061",
            )
        )
    plain = [
        part.hostname
        for part in parts
        if part.scheme not in _ENCRYPTED and part.hostname not in _HERE
    ]
    encrypted = given.TLS_CA_FILE is not None or given.TLS_CERT_FILE is not None
    if plain and not encrypted and not settings.DEBUG:
        found.append(
            Warning(
                f"The connection to NATS on {plain[0]} is not encrypted.",
                hint="Use tls:// in the address: what travels is sealed, but passwords for NATS, "
                "the names of streams and the times of events are not.",
                id="jazzauth.W060",
            )
        )
    return found
