import copy
import json
import pickle
import string
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jazzauth.crypto.envelope import EnvelopeError
from django_jazzauth.crypto.hpke import SUITES, UnknownSuite, seal_to
from django_jazzauth.errors import ImproperSecret
from django_jazzauth.keys.secret import PREFIX, WorkerSecret, fingerprint

VECTORS = json.loads(
    (Path(__file__).parent.parent / "data" / "format" / "worker_secret.json").read_text()
)
SECRET = bytes(range(32))
TEXT = WorkerSecret(SECRET).to_text()
BODY = TEXT.removeprefix(PREFIX)
ALPHABET = string.ascii_lowercase + "234567"

secrets = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["worker_id"])
def test_stored_vectors(row):
    secret = WorkerSecret(bytes.fromhex(row["secret"]))
    assert secret.to_text() == row["text"]
    assert secret.worker_id == row["worker_id"]
    assert WorkerSecret.from_text(row["text"]) == secret


@given(secrets)
def test_the_text_form_leads_back(raw):
    text = WorkerSecret(raw).to_text()
    assert WorkerSecret.from_text(text) == WorkerSecret(raw)
    assert text.startswith("jazzauth-worker-1-") and len(text) == 18 + 56
    assert set(text.removeprefix(PREFIX)) <= set(ALPHABET)


@given(secrets, st.sampled_from(["", " ", "\n", "\r\n", "\t "]), st.booleans())
def test_blanks_around_it_and_capitals_do_no_harm(raw, blank, capitals):
    text = WorkerSecret(raw).to_text()
    text = blank + (text.upper() if capitals else text) + blank
    assert WorkerSecret.from_text(text) == WorkerSecret(raw)


def test_every_single_wrong_character_is_noticed():
    for position in range(len(BODY)):
        for other in ALPHABET:
            if other == BODY[position]:
                continue
            with pytest.raises(ImproperSecret, match="checksum"):
                WorkerSecret.from_text(PREFIX + BODY[:position] + other + BODY[position + 1 :])


def test_every_swap_of_neighbours_is_noticed():
    for position in range(len(BODY) - 1):
        one, two = BODY[position : position + 2]
        if one != two:
            with pytest.raises(ImproperSecret, match="swapped"):
                WorkerSecret.from_text(PREFIX + BODY[:position] + two + one + BODY[position + 2 :])


@pytest.mark.parametrize("position", [1, 30, 55])
@pytest.mark.parametrize("character", ["0", "1", "8", "-", " ", "é", "\u0131", "\0"])
def test_a_character_that_cannot_be_is_pointed_at(position, character):
    text = PREFIX + BODY[: position - 1] + character + BODY[position:]
    with pytest.raises(ImproperSecret, match=f"position {18 + position} "):
        WorkerSecret.from_text(text)


@pytest.mark.parametrize("count", [0, 1, 55, 57, 112])
def test_another_length_is_named(count):
    with pytest.raises(ImproperSecret, match=f"has {count} characters .* should be 56"):
        WorkerSecret.from_text(PREFIX + (BODY * 2)[:count])


@pytest.mark.parametrize("text", ["", "x", BODY, "jazzauth_worker-1-" + BODY, "sk_live_" + BODY])
def test_another_prefix_is_named(text):
    with pytest.raises(ImproperSecret, match="begins with 'jazzauth-worker-1-'"):
        WorkerSecret.from_text(text)


def test_a_newer_form_is_named():
    with pytest.raises(ImproperSecret, match="this release does not know"):
        WorkerSecret.from_text(TEXT.replace("worker-1-", "worker-2-"))


@pytest.mark.parametrize("text", [None, 3, TEXT.encode()])
def test_what_is_no_text_is_named(text):
    with pytest.raises(ImproperSecret, match=type(text).__name__):
        WorkerSecret.from_text(text)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_only_32_bytes_are_taken(length):
    with pytest.raises(ImproperSecret, match=f"32 bytes, not {length}"):
        WorkerSecret(bytes(length))


def test_generated_secrets_differ():
    assert len({WorkerSecret.generate().to_text() for _ in range(50)}) == 50


def shown(value):
    return [repr(value), str(value), f"{value}", f"{value!r:>60}", "%s" % (value,)]  # noqa: UP031


def test_nothing_of_it_is_ever_shown():
    secret = WorkerSecret(SECRET)
    secret.open(SUITES[1], seal_to(SUITES[1], secret.public_key(SUITES[1]), b"x", b""), b"")
    for text in shown(secret) + shown([secret]) + shown({"key": secret}):
        assert "<WorkerSecret>" in text
        assert BODY not in text and SECRET.hex() not in text
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("text", [TEXT[:-1], TEXT[:-1] + "!", PREFIX + BODY[::-1], BODY])
def test_errors_do_not_repeat_what_was_typed(text):
    with pytest.raises(ImproperSecret) as caught:
        WorkerSecret.from_text(text)
    printed = "".join(traceback.format_exception(caught.value))
    typed = text.removeprefix(PREFIX)
    assert not any(typed[at : at + 6] in printed for at in range(len(typed) - 6))
    assert caught.value.code == "IMPROPER_SECRET" and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_cannot_be_pickled_or_copied(copying):
    with pytest.raises(TypeError, match="cannot be pickled"):
        copying(WorkerSecret(SECRET))


def test_equality():
    assert WorkerSecret(SECRET) == WorkerSecret(SECRET) != WorkerSecret(SECRET[::-1])
    assert WorkerSecret(SECRET) != SECRET
    with pytest.raises(TypeError, match="unhashable"):
        hash(WorkerSecret(SECRET))


@given(secrets)
def test_the_worker_id_follows_from_the_public_keys(raw):
    secret = WorkerSecret(raw)
    assert secret.worker_id == WorkerSecret(raw).worker_id
    assert len(secret.worker_id) == 34 and secret.worker_id.startswith("w_")
    keys = {suite: secret.public_key(suite) for suite in reversed(SUITES)}
    assert fingerprint(keys) == secret.worker_id


@pytest.mark.parametrize("suite", SUITES)
def test_it_opens_what_was_sealed_to_it(suite):
    secret = WorkerSecret(SECRET)
    sealed = seal_to(suite, secret.public_key(suite), b"epoch key", b"info")
    assert secret.open(suite, sealed, b"info") == b"epoch key"
    with pytest.raises(EnvelopeError):
        WorkerSecret.generate().open(suite, sealed, b"info")


def test_an_unknown_suite_is_named():
    with pytest.raises(UnknownSuite):
        WorkerSecret(SECRET).public_key("rot13")
