"""Case folding for searchable fields where case must not matter."""

from __future__ import annotations

import unicodedata

import idna


def fold_text(value: str) -> str:
    """Text as it is compared without regard to case: NFKC, full case folding, NFKC again.

    Source: Unicode Standard, section 3.13, "caseless matching", compatibility form.
    """
    if value.isascii():  # NFKC leaves it alone
        return value.lower()
    folded = unicodedata.normalize("NFKC", value).casefold()
    return unicodedata.normalize("NFKC", folded)


def fold_email(value: str) -> str:
    """An e-mail address as it is compared: folded, its domain in ASCII form (IDNA 2008).

    A domain that IDNA does not accept is folded as text, so that nothing is ever lost.
    """
    folded = fold_text(value.strip())
    local, at, domain = folded.rpartition("@")
    if not at or domain.isascii():
        return folded
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return folded
