"""A strict reader of JSON (RFC 8259), member by member.

The standard parser forgets duplicate members, takes ``NaN`` and lone surrogates, turns ``1.0`` and
``1`` into values that compare equal, and recurses. A proof is judged by exactly these details, in
the order of its text, as Jazz's own parser (``serde_json``) does: so this reader hands out one
member after another, says what kind of number it saw, and skips what is not wanted with a stack of
its own, whatever the depth.

Refused: a byte order mark, comments, trailing commas, raw control characters, unknown escapes, lone
surrogates (escaped or encoded), invalid UTF-8, numbers with leading zeros or a bare point, and
anything after the value. Only space, tab, line feed and carriage return count as white space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django_jazzauth.identity.errors import JsonError

LARGEST_INTEGER = 2**64 - 1
"""Integers above this are not read as integers (Jazz holds times in 64 bits)."""

_LONGEST_INTEGER = len(str(LARGEST_INTEGER))
_SURROGATES = range(0xD800, 0xE000)

_NOT_SPACE = re.compile(rb"[^ \t\n\r]")
_STRING_BREAK = re.compile(rb'["\\\x00-\x1f]')
_RAW_ESCAPE = re.compile(rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_LITERAL = re.compile(rb"true|false|null")
_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\(.)"
)
_SIMPLE_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CLOSER = {b"{": b"}", b"[": b"]"}
_KINDS = {b"{": "map", b"[": "sequence", b'"': "string", b"t": "boolean", b"f": "boolean"}


class JsonReader:
    """Reads one JSON object from bytes.

    Args:
        data: the UTF-8 text of one JSON value.

    Every method raises ``JsonError`` at the first thing that is not as asked; the text of the error
    names what was expected and the line and column, never the content.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def members(self) -> Iterator[str]:
        """Yield the names of the object's members in order, duplicates included.

        The caller reads or skips each member's value before it asks for the next name. The end of
        the object must be the end of the text.
        """
        if self._peek() != b"{":
            raise self.error(f"invalid type: {self._kind()}, expected an object")
        self._at += 1
        if self._peek() == b"}":
            self._at += 1
        else:
            while True:
                self._peek()
                yield self._string("expected a member name")
                if not self._more(b"}"):
                    break
        if self._peek():
            raise self.error("trailing characters")

    def optional_string(self) -> str | None:
        """Read a member's value: a string, or ``null`` as ``None``."""
        self._colon()
        if self._null():
            return None
        if self._peek() != b'"':
            raise self.error(f"invalid type: {self._kind()}, expected a string")
        return self._string()

    def optional_integer(self) -> int | None:
        """Read a member's value: an integer from 0 to ``LARGEST_INTEGER``, or ``null`` as ``None``.

        ``1.0``, ``1e9``, ``-0`` and ``"1"`` are not integers.
        """
        self._colon()
        if self._null():
            return None
        self._peek()
        matched = _NUMBER.match(self._data, self._at)
        if matched is None:
            raise self.error(f"invalid type: {self._kind()}, expected u64")
        text = matched[0]
        self._at = matched.end()
        if matched[1] or matched[2] or text == b"-0":
            raise self.error("invalid type: floating point, expected u64")
        if text.startswith(b"-"):
            raise self.error("invalid value: negative integer, expected u64")
        # The length is judged first: Python refuses to convert numbers of thousands of digits.
        if len(text) > _LONGEST_INTEGER or int(text) > LARGEST_INTEGER:
            raise self.error("invalid type: integer above 64 bits, expected u64")
        return int(text)

    def skip_value(self) -> None:
        """Pass over a member's value of any kind and depth, checking that it is well-formed."""
        self._colon()
        open_closers: list[bytes] = []
        while True:
            opener = self._peek()
            if opener in _CLOSER:
                closer = _CLOSER[opener]
                self._at += 1
                if self._peek() != closer:
                    open_closers.append(closer)
                    if closer == b"}":
                        self._skip_name()
                    continue
                self._at += 1
            else:
                self._scalar(opener)
            while open_closers:
                closer = open_closers[-1]
                if self._more(closer):
                    if closer == b"}":
                        self._skip_name()
                    break
                open_closers.pop()
            else:
                return

    def error(self, what: str) -> JsonError:
        """Return (not raise) an error that says ``what`` is wrong at the present position."""
        line_start = self._data.rfind(b"\n", 0, self._at) + 1
        line = self._data.count(b"\n", 0, self._at) + 1
        return JsonError(f"{what} at line {line} column {self._at - line_start}")

    def _peek(self) -> bytes:
        """Step over white space; return the next byte, empty at the end."""
        found = _NOT_SPACE.search(self._data, self._at)
        self._at = found.start() if found else len(self._data)
        return self._data[self._at : self._at + 1]

    def _kind(self) -> str:
        first = self._data[self._at : self._at + 1]
        return _KINDS.get(first, "number" if first in b"-0123456789" and first else "other text")

    def _null(self) -> bool:
        if self._peek() != b"n":
            return False
        self._scalar(b"n")
        return True

    def _skip_name(self) -> None:
        self._peek()
        self._string("expected a member name")
        self._colon()

    def _colon(self) -> None:
        if self._peek() != b":":
            raise self.error("expected `:`")
        self._at += 1

    def _more(self, closer: bytes) -> bool:
        """After a value: step over a comma (True) or over ``closer`` (False)."""
        found = self._peek()
        if found == b",":
            self._at += 1
            return True
        if found != closer:
            raise self.error(f"expected `,` or `{closer.decode()}`")
        self._at += 1
        return False

    def _scalar(self, first: bytes) -> None:
        if first == b'"':
            self._string()
            return
        pattern = _LITERAL if first in (b"t", b"f", b"n") else _NUMBER
        matched = pattern.match(self._data, self._at)
        if matched is None:
            raise self.error("expected a value")
        self._at = matched.end()

    def _string(self, otherwise: str = "expected a string") -> str:
        """Read the string that starts here; ``otherwise`` is the error if none does."""
        start = self._at + 1
        if self._data[self._at : start] != b'"':
            raise self.error(otherwise)
        at, escaped = start, False
        while stop := _STRING_BREAK.search(self._data, at):
            at = stop.end()
            if stop[0] == b'"':
                break
            escape = _RAW_ESCAPE.match(self._data, stop.start())
            if escape is None:
                self._at = at
                raise self.error("invalid character or escape in a string")
            at, escaped = escape.end(), True
        else:
            raise self.error("a string without an end")
        self._at = at
        try:
            text = self._data[start : at - 1].decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("invalid unicode code point") from None
        return _ESCAPE.sub(self._unescaped, text) if escaped else text

    def _unescaped(self, escape: re.Match[str]) -> str:
        high, low, single, simple = escape.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
        if single:
            point = int(single, 16)
            if point in _SURROGATES:
                raise self.error("lone surrogate in a string")
            return chr(point)
        return _SIMPLE_ESCAPES.get(simple, simple)
