"""Unambiguous concatenation: what digests, additional data and key derivation are computed over."""

from __future__ import annotations

from struct import Struct, error

from ..errors import JazzAuthError

Part = bytes | str | int

_MAX_PART = 2**32 - 1
_NUMBER = Struct(">IQ").pack
# Nearly every part is this short; a look-up takes half as long as a conversion.
_LENGTHS = tuple(length.to_bytes(4, "big") for length in range(512))


class FramingError(JazzAuthError, ValueError):
    """A part that a frame cannot hold: a negative or too large number, text that is not UTF-8."""

    code = "FRAMING"


def frame(*parts: Part) -> bytes:
    """Concatenate parts so that the result can be split again in one way only.

    Each part is preceded by its length in bytes (4 bytes, big-endian). ``str`` becomes UTF-8,
    ``int`` 8 bytes big-endian. Types are not marked: what a part means is fixed by its place, and
    every use starts with a name of its own (``jazzauth/event/1``).

    Args:
        parts: byte strings below 4 GiB, texts, or numbers from 0 to 2**64 - 1.

    Raises:
        FramingError: a number out of range, a lone surrogate, a part of 4 GiB or more.
        TypeError: another type; also bool, which is too easily a slip.
    """
    pieces: list[bytes] = []
    add = pieces.append
    for part in parts:
        kind = type(part)
        if kind is int:
            add(_number(part))  # type: ignore[arg-type]
            continue
        if kind is bytes:
            raw: bytes = part  # type: ignore[assignment]
        elif kind is str:
            raw = _utf8(part)  # type: ignore[arg-type]
        else:
            raw = _other(part)
        length = len(raw)
        add(_LENGTHS[length] if length < 512 else _length(length))
        add(raw)
    return b"".join(pieces)


def frame_text(text: str) -> bytes:
    """The frame of one text, for the loops that frame millions.

    Raises:
        FramingError: as ``frame``.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise _no_utf8() from None
    length = len(raw)
    return (_LENGTHS[length] if length < 512 else _length(length)) + raw


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _no_utf8() from None


def _no_utf8() -> FramingError:
    return FramingError("a text with a lone surrogate has no UTF-8 form")


def _number(number: int) -> bytes:
    try:
        return _NUMBER(8, number)
    except error:
        raise FramingError("a number must be from 0 to 2**64 - 1") from None


def _length(length: int) -> bytes:
    if length > _MAX_PART:
        raise FramingError("a part of a frame is 4 GiB or more")
    return length.to_bytes(4, "big")


def _other(part: object) -> bytes:
    # Subclasses (SafeString, memoryview of a database driver) are rare, so they are tried last.
    if isinstance(part, str):
        return _utf8(part)
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    raise TypeError(f"a frame holds bytes, str and int, not {type(part).__name__}")
