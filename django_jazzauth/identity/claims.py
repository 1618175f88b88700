"""The header and the claims of a self-signed token, read as Jazz reads them.

Six claims exist. Each is a string or an integer, ``null`` counts as absent, order and white space
are free; a member that is unknown or comes twice is refused when its name is read, before its
value. In the header only ``alg`` is looked at (once); ``typ``, ``kid``, ``crit``, embedded keys and
anything else are passed over.

Stricter than Jazz in three things its JSON library lets through: the value must be an object (not
an array of the values in order), and members of the header that are passed over must still be valid
UTF-8 without lone surrogates.
"""

from __future__ import annotations

from dataclasses import dataclass

from django_jazzauth.identity.errors import InvalidProof, JsonError
from django_jazzauth.identity.strict_json import JsonReader
from django_jazzauth.identity.wording import shown

_TEXT_CLAIMS = ("iss", "sub", "aud", "jazz_pub_key")
_TIME_CLAIMS = ("iat", "exp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says, unverified; ``None`` where it says nothing. Times are Unix seconds."""

    iss: str | None
    sub: str | None
    aud: str | None
    jazz_pub_key: str | None
    iat: int | None
    exp: int | None


def read_algorithm(header: bytes) -> str | None:
    """Return the ``alg`` member of a token's header.

    Raises:
        InvalidProof: ``header-json``: not strict JSON, no object, or ``alg`` twice or no string.
    """
    reader = JsonReader(header)
    algorithm: str | None = None
    seen = False
    try:
        for name in reader.members():
            if name != "alg":
                reader.skip_value()
                continue
            if seen:
                raise reader.error("duplicate field `alg`")
            seen = True
            algorithm = reader.optional_string()
    except JsonError as error:
        raise InvalidProof("header-json", f"header parse: {error}") from None
    return algorithm


def read_claims(data: bytes) -> Claims:
    """Return the claims of a token.

    Raises:
        InvalidProof: ``unknown-claim``, ``duplicate-claim``, or ``claims-json`` for everything that
            is not strict JSON or has a value of another type.
    """
    reader = JsonReader(data)
    texts: dict[str, str | None] = {}
    times: dict[str, int | None] = {}
    try:
        for name in reader.members():
            if name in texts or name in times:
                where = reader.error(f"duplicate field `{name}`")
                raise InvalidProof("duplicate-claim", f"claims parse: {where}")
            if name in _TEXT_CLAIMS:
                texts[name] = reader.optional_string()
            elif name in _TIME_CLAIMS:
                times[name] = reader.optional_integer()
            else:
                known = ", ".join(f"`{claim}`" for claim in (*_TEXT_CLAIMS, *_TIME_CLAIMS))
                where = reader.error(f"unknown field `{shown(name)}`, expected one of {known}")
                raise InvalidProof("unknown-claim", f"claims parse: {where}")
    except JsonError as error:
        raise InvalidProof("claims-json", f"claims parse: {error}") from None
    return Claims(
        iss=texts.get("iss"),
        sub=texts.get("sub"),
        aud=texts.get("aud"),
        jazz_pub_key=texts.get("jazz_pub_key"),
        iat=times.get("iat"),
        exp=times.get("exp"),
    )
