"""Proofs that an event is in a log, as texts that anybody can check (C2SP tlog-proof).

A proof carries the event's header and the hash of its sealed payload, so that who has the proof can
compute the leaf, and no key is needed. Nothing in it says what the event contains.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from .digest import event_digest, leaf_data
from .merkle import HASH_BYTES, ProofError, leaf_hash, verify_inclusion
from .notes import Checkpoint, NoteError, read_checkpoint

MAGIC = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 128 * 1024

_INDEX = re.compile(r"0|[1-9][0-9]{0,18}")
_Number = Annotated[int, msgspec.Meta(ge=0)]


class EventHeader(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plain columns of an event and the digests beside them; bytes in hexadecimal."""

    position: _Number
    txid: _Number
    previous: str
    stream: str
    version: _Number
    type: str
    schema: _Number
    key_id: str
    recorded_at: _Number
    payload_hash: str

    def leaf(self) -> bytes:
        """Hash of the event's leaf.

        Raises:
            ProofError: a part of the header is malformed.
        """
        try:
            digest = event_digest(
                previous=bytes.fromhex(self.previous),
                stream=self.stream,
                version=self.version,
                type=self.type,
                schema=self.schema,
                key_id=bytes.fromhex(self.key_id),
                recorded_at=self.recorded_at,
                payload_hash=bytes.fromhex(self.payload_hash),
            )
            return leaf_hash(leaf_data(self.position, self.txid, digest))
        except ValueError:
            raise ProofError("the header of the event in the proof is malformed") from None


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof taken apart.

    Attributes:
        header: the event.
        index: number of its leaf, from 0.
        hashes: from the leaf's sibling upwards.
        note: the signed checkpoint that it was made for.
    """

    header: EventHeader
    index: int
    hashes: tuple[bytes, ...] = field(repr=False)
    note: str = field(repr=False)

    def to_text(self) -> str:
        """The proof as a text."""
        lines = [
            MAGIC,
            f"extra {base64.b64encode(msgspec.json.encode(self.header)).decode()}",
            f"index {self.index}",
            *(base64.b64encode(each).decode() for each in self.hashes),
        ]
        return "\n".join(lines) + "\n\n" + self.note

    @classmethod
    def from_text(cls, text: str) -> InclusionProof:
        """Read what :meth:`to_text` wrote; nothing is checked yet.

        Raises:
            ProofError: it is no proof, or one of another program.
        """
        proof, blank, note = text.partition("\n\n")
        lines = proof.split("\n")
        if len(text) > MAX_PROOF or not blank or len(lines) < 3 or lines[0] != MAGIC:
            raise ProofError(f"this is no proof, which begins with {MAGIC}")
        if not lines[1].startswith("extra ") or not lines[2].startswith("index "):
            raise ProofError("the proof has no header of an event, or no index")
        number = lines[2].removeprefix("index ")
        if not _INDEX.fullmatch(number):
            raise ProofError("the index in the proof is no number")
        try:
            header = msgspec.json.decode(_decoded(lines[1][6:]), type=EventHeader)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ProofError("the header of the event in the proof is malformed") from None
        hashes = tuple(_decoded(line) for line in lines[3:])
        if any(len(each) != HASH_BYTES for each in hashes):
            raise ProofError("a hash in the proof does not have 32 bytes")
        return cls(header, int(number), hashes, note)

    def check(self, checkpoint: Checkpoint) -> None:
        """Check that the event is among those that a checkpoint covers.

        Args:
            checkpoint: one that the caller trusts, of the size that the proof was made for.

        Raises:
            ProofError: it is not, or the proof was made for another checkpoint.
        """
        try:
            made_for = read_checkpoint(self.note)
        except NoteError as error:
            raise ProofError(f"the checkpoint in the proof is malformed: {error}") from None
        if made_for.size != checkpoint.size:
            raise ProofError(
                f"the proof was made for a checkpoint of {made_for.size} events, this one is of "
                f"{checkpoint.size}; ask for a proof with it (`jazzauth prove --checkpoint`)"
            )
        verify_inclusion(
            index=self.index,
            size=checkpoint.size,
            leaf=self.header.leaf(),
            proof=self.hashes,
            root=checkpoint.root,
        )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofError("a line of the proof is no base64") from None
