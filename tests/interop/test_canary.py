"""After all flows nothing readable is left: in the database, its WAL, the server's output."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from .conftest import ADDRESS, Run, node_is_ready

pytestmark = [
    pytest.mark.skipif(not node_is_ready(), reason="needs Node and `npm ci` in tests/interop"),
    pytest.mark.xdist_group("interop"),
]


def spellings(text: str) -> dict[str, bytes]:
    """How ``text`` could stand there: as it is, in hex, in base64 at each of its offsets."""
    octets = text.encode()
    found = {
        "text": octets,
        "capitals": text.upper().encode(),
        "UTF-16": text.encode("utf-16-le"),
        "hex": octets.hex().encode(),
    }
    for offset in range(3):
        # Without the characters that depend on what stands before and after.
        coded = base64.b64encode(bytes(offset) + octets)
        start, end = (0, 2, 3)[offset], -4 if (offset + len(octets)) % 3 else None
        found[f"base64 at {offset}"] = coded[start:end]
    return found


def hits(files: list[Path], texts: dict[str, str]) -> list[str]:
    """``<what> as <spelling> in <file>`` for each that is found."""
    contents = {file: file.read_bytes() for file in files}
    return [
        f"{what} as {spelling} in {file.name}"
        for what, text in texts.items()
        for spelling, octets in spellings(text).items()
        for file, content in contents.items()
        if octets in content
    ]


def test_nothing_readable_is_left(sqlite_run: Run) -> None:
    files = sorted(file for file in sqlite_run.directory.rglob("*") if file.is_file())
    names = {file.name for file in files}
    assert {"conformance.sqlite3", "conformance.sqlite3-wal", "output.log"} <= names
    assert sum(file.stat().st_size for file in files if "sqlite3" in file.name) > 1_000_000
    assert (sqlite_run.directory / "output.log").read_text().count("POST 200") > 100

    kinds = {entry["kind"] for entry in sqlite_run.secrets}
    assert kinds == {"session token", "provider token", "mailed token", "JWT", "one-time token"}
    # The mark stands in every address, name and user agent.
    assert hits(files, {"mark": sqlite_run.mark, "IP address": ADDRESS}) == []
    secrets = {entry["value"]: entry["kind"] for entry in sqlite_run.secrets}
    assert len(secrets) > 100
    contents = [file.read_bytes() for file in files]
    found = [secrets[value] for value in secrets for octets in contents if value.encode() in octets]
    assert found == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    text = "zq-canary-4711"
    for number, written in enumerate(
        [
            b"name: " + text.encode(),
            text.encode().hex().encode(),
            base64.b64encode(b"x" + text.encode() + b"yz"),
            base64.urlsafe_b64encode(b"xy" + text.encode()),
            base64.b64encode(text.encode()),
        ]
    ):
        file = tmp_path / f"{number}.log"
        file.write_bytes(written)
        assert hits([file], {"canary": text}) != []
