"""How text that a stranger chose is shown inside an error message.

Jazz prints claims with Rust's ``{:?}``: quoted and escaped. The same form is used here, with a
bound on the length, so that a claim can neither forge log lines nor fill a log.
"""

from __future__ import annotations

LONGEST_SHOWN = 128
"""Characters of a stranger's text that a message repeats at most."""

_SHORT_ESCAPES = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def shown(text: str) -> str:
    """Return ``text`` on one line: unprintable characters escaped, cut to ``LONGEST_SHOWN``."""
    cut = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
    return "".join(
        char if char.isprintable() else _SHORT_ESCAPES.get(char, f"\\u{{{ord(char):x}}}")
        for char in cut
    )


def quoted(text: str) -> str:
    """Return ``text`` as ``shown`` does, in double quotes, with quotes and backslashes escaped."""
    return '"' + shown(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def optional(text: str | None) -> str:
    """Return ``Some("text")`` or ``None``, the way Jazz's messages show a claim."""
    return "None" if text is None else f"Some({quoted(text)})"
