"""From rows of the data key table to handles, and back."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable

import msgspec

from ..crypto.envelope import Envelope, EnvelopeError
from ..errors import KeyDestroyed, SealBroken, ValueNotStorable
from .models import SUBJECT_LENGTH
from .opened import DataKeyHandle, Opened
from .sql import DataKeyRow, NewDataKey
from .wrapping import KEY_BYTES, EpochKey


class PendingKey(msgspec.Struct, frozen=True):
    """A new data key whose row is about to be stored by somebody else's statement.

    Attributes:
        row: what has to be stored.
        envelope: seals with it.
        opened: the reading of the keys that it was made from.
    """

    row: NewDataKey
    envelope: Envelope
    opened: Opened

    def __repr__(self) -> str:
        return f"<PendingKey {self.row.id.hex()}>"

    def stored(self) -> None:
        """It is in the database: remember it."""
        self.opened.keep(self.row.subject, self.row.id, self.envelope)


def new_data_key(epoch: EpochKey, subject: str) -> tuple[NewDataKey, Envelope]:
    """A new key for a subject: the row to store, and the envelope that seals with it."""
    # The bare key lives in this frame only, where nothing fails: error reports show variables.
    id_, key = uuid.uuid4().bytes, os.urandom(KEY_BYTES)
    return NewDataKey(id_, subject, epoch.wrap_data_key(id_, subject, key)), Envelope(key)


def handles_of(opened: Opened, rows: Iterable[DataKeyRow]) -> dict[str, DataKeyHandle]:
    """Open rows and keep them in memory, by subject."""
    return {row.subject: handle_of(opened, row) for row in rows if row.subject is not None}


def handle_of(opened: Opened, row: DataKeyRow) -> DataKeyHandle:
    """Open a row and keep it in memory.

    Raises:
        KeyDestroyed: it holds no key any more.
        KeyUnavailable: it stands under an epoch that is closed to us.
        SealBroken: it was changed, or belongs to another row.
    """
    if row.wrapped is None:
        raise KeyDestroyed(f"data key {row.id.hex()} was destroyed")
    epoch = opened.epoch(row.epoch_id)
    subject = row.subject or ""
    try:
        envelope = Envelope(epoch.unwrap_data_key(row.id, subject, row.wrapped))
    except EnvelopeError as error:
        raise SealBroken(f"data key {row.id.hex()}", str(error)) from None
    return opened.keep(subject, row.id, envelope)


def check_subject(subject: str) -> None:
    """Refuse what a database would cut, change or reject.

    Raises:
        ValueNotStorable: empty, longer than 255 characters, or no text that UTF-8 can hold.
    """
    if not 0 < len(subject) <= SUBJECT_LENGTH:
        raise ValueNotStorable(f"the subject of a data key has 1 to {SUBJECT_LENGTH} characters")
    if "\0" in subject:
        raise ValueNotStorable("the subject of a data key cannot hold a NUL character")
    try:
        subject.encode()
    except UnicodeEncodeError:
        raise ValueNotStorable("the subject of a data key cannot hold a lone surrogate") from None
