"""Signed notes and checkpoints in text form (C2SP signed-note, tlog-checkpoint), with Ed25519.

A checkpoint says of a log how many leaves it had and what the root of their Merkle tree was. Its
text can be kept anywhere; with the verifier key, which is public, anybody can check it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ..errors import JazzAuthError
from .merkle import HASH_BYTES

ED25519 = b"\x01"
SEED_BYTES = 32
MAX_NOTE = 64 * 1024
_MAX_SIGNATURES = 64
_MAX_SIZE = 2**63

_SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")


class NoteError(JazzAuthError, ValueError):
    """A signed note or checkpoint is malformed, or its signature does not verify."""

    code = "NOTE"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public key of a log under its name, as signed notes use it.

    Attributes:
        name: name of the key: the origin of the log.
        public_key: 32 bytes, Ed25519 (RFC 8032).
    """

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        hashed = sha256(self.name.encode() + b"\n" + ED25519 + self.public_key)
        return hashed.digest()[:4]

    def to_text(self) -> str:
        """``<name>+<key id in hexadecimal>+<base64 of type and key>``, to be kept and compared."""
        encoded = base64.b64encode(ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_text(cls, text: str) -> VerifierKey:
        """Read what :meth:`to_text` wrote.

        Raises:
            NoteError: it is no verifier key, or was mistyped.
        """
        # The base64 may hold plus signs, the name never does.
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        key = cls(name, raw[1:])
        if (
            not _NAME.fullmatch(name)
            or raw[:1] != ED25519
            or len(raw) != 33
            or key_id != key.key_id.hex()
        ):
            raise NoteError(
                "This is no verifier key, which looks like example.org/log+1a2b3c4d+AX…; it was "
                "mistyped or cut short."
            )
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The body of a checkpoint.

    Attributes:
        origin: which log; also the name of the key that signs it.
        size: number of leaves.
        root: 32 bytes, the tree hash of these leaves.
        extensions: further lines, of other programs; this package writes none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The text that is signed.

        Raises:
            NoteError: the origin or an extension would give another text than is meant.
        """
        root = base64.b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        if not _NAME.fullmatch(self.origin) or any(not _plain(line) for line in lines):
            raise NoteError("An origin has no blanks and no plus signs, and no line is empty.")
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def from_text(cls, text: str) -> Checkpoint:
        """Read the text of a note that is a checkpoint.

        Raises:
            NoteError: it is none.
        """
        lines = text.split("\n")
        if lines.pop() != "" or len(lines) < 3 or not all(map(_plain, lines)):
            raise NoteError("A checkpoint has three lines at least: origin, size, root.")
        origin, size, encoded, *extensions = lines
        if not _SIZE.fullmatch(size) or int(size) >= _MAX_SIZE:
            raise NoteError("The second line of a checkpoint is its size, a decimal number.")
        root = _unbase64(encoded)
        if root is None or len(root) != HASH_BYTES:
            raise NoteError("The third line of a checkpoint is its root, 32 bytes in base64.")
        return cls(origin, int(size), root, tuple(extensions))


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note taken apart; nothing is verified yet.

    Attributes:
        text: what is signed, with its last newline.
        signatures: name of the key, its four-byte id and the signature, of each line.
    """

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...] = field(repr=False)

    @classmethod
    def parse(cls, note: str) -> SignedNote:
        """Take a note apart.

        Raises:
            NoteError: it is no signed note.
        """
        if len(note) > MAX_NOTE:
            raise NoteError("The note is too long to be a checkpoint.")
        text, blank, tail = note.rpartition("\n\n")
        lines = tail.split("\n")
        if not blank or lines.pop() != "" or not 0 < len(lines) <= _MAX_SIGNATURES:
            raise NoteError("A signed note is a text, an empty line and lines of signatures.")
        if any(ord(letter) < 32 and letter != "\n" for letter in note):
            raise NoteError("A signed note has no control characters.")
        signatures = []
        for line in lines:
            match = _SIGNATURE.fullmatch(line)
            raw = _unbase64(match["signature"]) if match else None
            if match is None or raw is None or len(raw) < 5:
                raise NoteError("A line of signature is: em dash, name of the key, base64.")
            signatures.append((match["name"], raw[:4], raw[4:]))
        return cls(text + "\n", tuple(signatures))

    def verified_by(self, keys: Iterable[VerifierKey]) -> VerifierKey:
        """The first of ``keys`` that signed the note. Signatures of other keys do not matter.

        Raises:
            NoteError: none of them signed it, or a signature of one of them is wrong.
        """
        known = {(key.name, key.key_id): key for key in keys}
        found: VerifierKey | None = None
        for name, key_id, signature in self.signatures:
            key = known.get((name, key_id))
            if key is None:
                continue
            try:
                public = Ed25519PublicKey.from_public_bytes(key.public_key)
                public.verify(signature, self.text.encode())
            except (InvalidSignature, ValueError):
                raise NoteError(
                    f"The signature of {name} is wrong: the note was changed."
                ) from None
            found = found or key
        if found is None:
            raise NoteError("The note carries no signature of a key that is known here.")
        return found


class NoteSigner:
    """Signs notes as a log. Shows nothing of its key.

    Args:
        name: name of the key: the origin of the log.
        seed: 32 bytes, the private key of Ed25519.
    """

    __slots__ = ("_key", "verifier")

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, self._key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"<NoteSigner {self.verifier.name}>"

    def sign(self, text: str) -> str:
        """The signed note of a text that ends in a newline.

        Raises:
            NoteError: the text does not, or the name is no name of a key.
        """
        if not text.endswith("\n") or not _NAME.fullmatch(self.verifier.name):
            raise NoteError("A note ends in a newline; a key's name has no blanks or plus signs.")
        signature = self._key.sign(text.encode())
        encoded = base64.b64encode(self.verifier.key_id + signature).decode()
        return f"{text}\n— {self.verifier.name} {encoded}\n"


def read_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in a signed note, unverified.

    Raises:
        NoteError: it is none.
    """
    return Checkpoint.from_text(SignedNote.parse(note).text)


def verified_checkpoint(note: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint in a note that one of ``keys`` signed under the checkpoint's own origin.

    Raises:
        NoteError: it is none, or is not signed by them.
    """
    signed = SignedNote.parse(note)
    checkpoint = Checkpoint.from_text(signed.text)
    signed.verified_by(key for key in keys if key.name == checkpoint.origin)
    return checkpoint


def _plain(line: str) -> bool:
    return bool(line) and not any(ord(letter) < 32 for letter in line)


def _unbase64(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One text for one meaning: stray bits at the end would give a second.
    return raw if base64.b64encode(raw).decode() == text else None
