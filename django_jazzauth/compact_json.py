"""JSON as it goes out: compact, in UTF-8."""

from __future__ import annotations

from typing import Any

import msgspec


def _plain(value: Any) -> Any:
    """Text of a subclass of ``str``, such as Django's ``SafeString``."""
    if isinstance(value, str):
        return value.encode().decode()
    raise TypeError(f"{type(value).__name__} is not a type of JSON")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(value: Any) -> bytes:
    """The JSON of ``value``.

    As msgspec writes it: dates, UUIDs and decimals as text, bytes in base64, NaN and infinity as
    ``null``.

    Raises:
        TypeError: it holds what JSON has no type for, and msgspec has no text.
        UnicodeEncodeError: it holds half a character.
    """
    return _encoder.encode(value)
