"""What stands in the trigram index: tokens of an entity's texts, and what they are made with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from ..conf import get_settings
from ..crypto.index_cipher import IndexCipher
from ..keys.keyring import keyring
from .registry import projector_for, projectors
from .sealing import State
from .trigrams import TOKEN_BYTES, terms_of, tokens_of

SUFFIX = ":trigrams"
"""Behind a field's name, in the name that the key of its tokens is derived with."""


def indexed_fields(entity: str) -> tuple[str, ...]:
    """The fields whose parts can be searched; none without an entry in the settings."""
    return get_settings().TRIGRAM_INDEX.get(entity, ())


def complaint() -> str | None:
    """What is wrong with ``TRIGRAM_INDEX``; ``None`` if every name is a sealed text field's."""
    known = {projector.entity: projector.text_fields() for projector in projectors()}
    for entity, fields in get_settings().TRIGRAM_INDEX.items():
        if entity not in known:
            return (
                f'JAZZAUTH["TRIGRAM_INDEX"]: no installed model has the entity name {entity!r}. '
                f"There are {', '.join(sorted(known))}."
            )
        for field in fields:
            if field not in known[entity]:
                return (
                    f'JAZZAUTH["TRIGRAM_INDEX"]: {field!r} is no sealed text of {entity}. There '
                    f"are {', '.join(known[entity]) or 'none'}."
                )
    return None


def listed(entity: str, fields: Sequence[str]) -> str:
    """How the table of complete indexes names an entity's fields.

    With the schema: an upcaster may give a field another text than its tokens were made of.
    """
    return f"{schema_of(entity)}:{','.join(fields)}"


def schema_of(entity: str) -> int:
    """Number of the schema that an entity's states have now; 0 if no model is installed."""
    projector = projector_for(entity)
    return 0 if projector is None else projector.schema


def basis_of(alias: str, entity: str, schema: int) -> int:
    """A number for what tokens are made with: schema, fields, and the generation of their keys."""
    fields = indexed_fields(entity)
    ciphers = [keyring(alias).writing_cipher(entity, f"{field}{SUFFIX}") for field in fields]
    numbers = [str(cipher.generation) for cipher in ciphers]
    text = ",".join((str(schema), *fields, *numbers))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def tokens_of_state(alias: str, entity: str, state: State) -> list[int]:
    """The tokens of all indexed texts of a state, sorted, under the keys that are written with."""
    found: set[int] = set()
    for field in indexed_fields(entity):
        value = state.get(field)
        if isinstance(value, str) and value:
            cipher = keyring(alias).writing_cipher(entity, f"{field}{SUFFIX}")
            found |= tokens_of(cipher, terms_of(value))
    return sorted(found)


def stored(vendor: str, tokens: list[int]) -> Any:
    """Tokens as the column of a database holds them."""
    if vendor == "postgresql":
        return [token - 0x8000 for token in tokens]  # its small integers have a sign
    return _packed(tokens)


def _packed(tokens: Iterable[int]) -> bytes:
    return b"".join(token.to_bytes(TOKEN_BYTES) for token in tokens)


def live_ciphers(alias: str, entity: str, field: str) -> tuple[IndexCipher, ...]:
    """The ciphers that a field's tokens may have been made with, newest first."""
    return keyring(alias).index_ciphers(entity, f"{field}{SUFFIX}")


def is_moving(alias: str, entity: str) -> bool:
    """Whether an entity's tokens are being made anew with other keys."""
    return any(len(live_ciphers(alias, entity, field)) > 1 for field in indexed_fields(entity))
