"""Signed notes and checkpoints: the known answer of Go's reference, strictness, round trips."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.notes import (
    Checkpoint,
    NoteError,
    NoteSigner,
    SignedNote,
    VerifierKey,
    read_checkpoint,
    verified_checkpoint,
)

# The example of golang.org/x/mod/sumdb/note, where the format comes from.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = GO_TEXT + (
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
# The example of C2SP's tlog-checkpoint.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcy"
    "v2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)

SIGNER = NoteSigner("example.org/log", bytes(range(32)))
BODY = Checkpoint("example.org/log", 7, bytes(range(32)))
NOTE = SIGNER.sign(BODY.to_text())


def test_the_note_of_go() -> None:
    key = VerifierKey.from_text(GO_KEY)
    note = SignedNote.parse(GO_NOTE)
    assert note.text == GO_TEXT
    assert note.verified_by([key]) == key
    assert key.to_text() == GO_KEY


def test_the_checkpoint_of_c2sp() -> None:
    found = read_checkpoint(C2SP_CHECKPOINT)
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20852163)
    assert found.to_text() + C2SP_CHECKPOINT[len(found.to_text()) :] == C2SP_CHECKPOINT


def test_a_checkpoint_there_and_back() -> None:
    key = VerifierKey.from_text(SIGNER.verifier.to_text())
    assert verified_checkpoint(NOTE, [key]) == BODY
    assert SIGNER.sign(BODY.to_text()) == NOTE  # Ed25519 is deterministic
    assert "0001020304" not in repr(SIGNER)


names = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zs", "Zl", "Zp"), blacklist_characters="+"),
    min_size=1,
    max_size=40,
).filter(lambda text: not any(letter.isspace() for letter in text))
lines = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40
)


@given(names, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines))
def test_every_checkpoint_there_and_back(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    signer = NoteSigner(origin, bytes(32))
    body = Checkpoint(origin, size, root, tuple(extensions))
    note = signer.sign(body.to_text())
    assert verified_checkpoint(note, [VerifierKey.from_text(signer.verifier.to_text())]) == body


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_every_changed_byte_is_noticed(place: int, flip: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[place] ^= flip
    try:
        text = bytes(raw).decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(NoteError):
        verified_checkpoint(text, [SIGNER.verifier])


@given(st.text(max_size=200))
def test_nonsense_is_refused(text: str) -> None:
    for read in (SignedNote.parse, VerifierKey.from_text, Checkpoint.from_text):
        with pytest.raises(NoteError):
            read(text)


def test_signatures_of_others_do_not_matter() -> None:
    witness = NoteSigner("witness.example", bytes(32))
    both = NOTE + witness.sign(BODY.to_text()).rpartition("\n\n")[2]
    assert verified_checkpoint(both, [SIGNER.verifier]) == BODY
    with pytest.raises(NoteError, match="no signature"):
        verified_checkpoint(both, [witness.verifier])  # signs under another name than the origin
    other = NoteSigner("example.org/log", bytes(32))
    with pytest.raises(NoteError, match="no signature"):
        verified_checkpoint(NOTE, [other.verifier])


def test_a_wrong_signature_spoils_the_note() -> None:
    wrong = NOTE.replace("\n7\n", "\n8\n")
    with pytest.raises(NoteError, match="changed"):
        verified_checkpoint(wrong, [SIGNER.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "a\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "a\n9223372036854775808\n" + base64.b64encode(bytes(32)).decode() + "\n",
        "a\n1\n" + base64.b64encode(bytes(31)).decode() + "\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode(),
        "a\n1\nAAAA\n\nx\n",
        "a\n1\n" + base64.b64encode(bytes(32)).decode()[:-2] + "B=\n",  # stray bits
    ],
)
def test_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.from_text(text)


@pytest.mark.parametrize(
    "note",
    [
        NOTE + "x",
        NOTE.replace("—", "-"),
        NOTE.replace("— ", "—  "),
        NOTE.rpartition("—")[0],
        NOTE + "— a AAAA\n",
        "\x07" + NOTE,
        "x" * 70_000 + NOTE,
        BODY.to_text() + "\n" + "— a AAAAAAAAAAAA\n" * 65,
    ],
)
def test_no_signed_note(note: str) -> None:
    with pytest.raises(NoteError):
        SignedNote.parse(note)


def test_what_would_give_another_text_is_not_written() -> None:
    for body in (
        Checkpoint("a\n999", 1, bytes(32)),
        Checkpoint("a b", 1, bytes(32)),
        Checkpoint("", 1, bytes(32)),
        Checkpoint("a", 1, bytes(32), ("",)),
    ):
        with pytest.raises(NoteError):
            body.to_text()
    with pytest.raises(NoteError):
        NoteSigner("a+b", bytes(32)).sign("text\n")
    with pytest.raises(NoteError):
        SIGNER.sign("text")


@pytest.mark.parametrize("text", ["", "a+b", GO_KEY[:-1], GO_KEY.replace("c7", "c8"), "+" + GO_KEY])
def test_no_verifier_key(text: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.from_text(text)
