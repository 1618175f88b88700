"""The audience of a proof: an app id, or a name that is mapped to one.

Jazz compares audiences as UUIDs. A string that Rust's ``uuid`` crate reads as a UUID stands for
itself; every other string, the empty one included, is a name and stands for the UUID version 5
(RFC 9562 section 5.5) of its UTF-8 bytes in the DNS namespace. ``uuid.UUID()`` is not used for the
decision, because it drops braces, hyphens and prefixes wherever they stand.
"""

from __future__ import annotations

import re
import uuid

from django_jazzauth.identity.errors import ImproperAudience
from django_jazzauth.identity.uuid5 import uuid5

_HEX = "[0-9a-fA-F]"
_HYPHENATED = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUID = re.compile(f"(?:{_HEX}{{32}}|{_HYPHENATED}|\\{{{_HYPHENATED}\\}}|urn:uuid:{_HYPHENATED})")


def normalise_audience(audience: str | uuid.UUID) -> str:
    """Return the form of ``audience`` that the ``aud`` claim carries.

    Args:
        audience: an app id or any name. Names are not trimmed, case-folded or normalised. UUIDs are
            read in four spellings, hex digits in any case: 8-4-4-4-12 with hyphens, 32 bare digits,
            the hyphenated form in braces, and the hyphenated form after ``urn:uuid:``.

    Returns:
        A UUID in lower case with hyphens.

    Raises:
        ImproperAudience: not text, or text with a lone surrogate (which has no UTF-8 form).
    """
    if isinstance(audience, uuid.UUID):
        return str(audience)
    if not isinstance(audience, str):
        raise ImproperAudience("the audience must be text")
    if _UUID.fullmatch(audience):
        digits = audience.removeprefix("urn:uuid:").strip("{}").replace("-", "")
        return str(uuid.UUID(hex=digits))
    try:
        name = audience.encode("utf-8")
    except UnicodeEncodeError:
        raise ImproperAudience("the audience is not valid Unicode text") from None
    return str(uuid5(uuid.NAMESPACE_DNS, name))
