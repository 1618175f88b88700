"""Proofs as texts: round trip, and nothing else is taken for one."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.merkle import ProofError, inclusion_ranges, range_roots, tree_root
from django_jazzauth.crypto.notes import Checkpoint, NoteSigner
from django_jazzauth.crypto.tlog_proof import EventHeader, InclusionProof

HEADER = EventHeader(
    position=12,
    txid=7,
    previous="00" * 32,
    stream="user/1",
    version=1,
    type="created",
    schema=1,
    key_id="ab" * 16,
    recorded_at=1_700_000_000_000_000,
    payload_hash="cd" * 32,
)
LEAVES = [bytes([n]) * 32 for n in range(4)] + [HEADER.leaf()] + [bytes([n]) * 32 for n in (5, 6)]
SIGNER = NoteSigner("example.org/log", bytes(32))
BODY = Checkpoint("example.org/log", len(LEAVES), tree_root(LEAVES))
NOTE = SIGNER.sign(BODY.to_text())
HASHES = tuple(range_roots(LEAVES, inclusion_ranges(4, len(LEAVES))))
PROOF = InclusionProof(HEADER, 4, HASHES, NOTE)
TEXT = PROOF.to_text()


def test_there_and_back() -> None:
    again = InclusionProof.from_text(TEXT)
    assert again == PROOF
    again.check(BODY)


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_changes_no_meaning(place: int, flip: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[place] ^= flip
    try:
        found = InclusionProof.from_text(bytes(raw).decode())
        found.check(BODY)
    except (ProofError, UnicodeDecodeError):
        return
    # The caller's checkpoint counts, not the copy in the proof.
    assert (found.header, found.index, found.hashes) == (HEADER, 4, HASHES)


@given(st.text(max_size=100))
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        InclusionProof.from_text(text)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("index 4", "index 04"),
        TEXT.replace("index 4", "index -4"),
        TEXT.replace("index 4", "leaf 4"),
        TEXT.replace("extra ", "more "),
        TEXT.replace(b64(HASHES[0]), b64(b"short")),
        TEXT.replace(b64(HASHES[0]), "?"),
        TEXT.replace(TEXT.split("\n")[1], "extra " + b64(b"{}")),
        TEXT.replace(TEXT.split("\n")[1], "extra " + b64(b"\xff")),
        TEXT + "x" * 200_000,
    ],
)
def test_no_proof(text: str) -> None:
    with pytest.raises(ProofError):
        InclusionProof.from_text(text)


def test_of_another_checkpoint() -> None:
    with pytest.raises(ProofError, match="was made for"):
        PROOF.check(Checkpoint("example.org/log", 8, BODY.root))
    with pytest.raises(ProofError, match="another root"):
        PROOF.check(Checkpoint("example.org/log", 7, bytes(32)))
    with pytest.raises(ProofError, match="malformed"):
        InclusionProof(HEADER, 4, HASHES, "nothing").check(BODY)


@pytest.mark.parametrize("column", ["previous", "key_id", "payload_hash"])
def test_a_malformed_header(column: str) -> None:
    for value in ("zz", "00"):
        values = {name: getattr(HEADER, name) for name in HEADER.__struct_fields__}
        with pytest.raises(ProofError, match="malformed"):
            EventHeader(**{**values, column: value}).leaf()


@pytest.mark.parametrize("index", ["9" * 5000, "9" * 20, "007", "-1", "٣"])
def test_an_index_that_no_log_has(index: str) -> None:
    with pytest.raises(ProofError, match="index"):
        InclusionProof.from_text(TEXT.replace("index 4\n", f"index {index}\n"))
