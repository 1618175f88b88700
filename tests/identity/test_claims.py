"""How the header and the claims of signed tokens are judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from django_jazzauth.identity import InvalidProof, Proof, verify_proof
from tests.identity.tokens import AUDIENCE, HEADER, NOW, b64, claims, signed


def verify(token: str) -> Proof:
    return verify_proof(token, AUDIENCE, now=NOW)


def refusal(token: str) -> InvalidProof:
    with pytest.raises(InvalidProof) as caught:
        verify(token)
    return caught.value


def with_text(old: str, new: str) -> bytes:
    text = json.dumps(claims())
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"EdDSA"}',
        b' {\n"alg" : "EdDSA"\t}\r\n',
        b'{"typ":1,"alg":"EdDSA","kid":null,"crit":["x"],"jwk":{"a":[{}]},"typ":2}',
        b'{"\\u0061lg":"Ed\\u0044SA"}',
        b'{"alg":"EdDSA","n":1e999}',
        b'{"alg":"EdDSA","deep":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_headers_that_pass(header: bytes) -> None:
    assert verify(signed(claims(), header))


@pytest.mark.parametrize("algorithm", ["none", "eddsa", "EDDSA", "EdDSA ", "Ed25519", "HS256", ""])
def test_other_algorithms(algorithm: str) -> None:
    error = refusal(signed(claims(), json.dumps({"alg": algorithm}).encode()))
    assert (error.code, str(error)) == ("alg", f'unsupported alg: Some("{algorithm}")')


@pytest.mark.parametrize("header", [b"{}", b'{"alg":null}', b'{"Alg":"EdDSA"}'])
def test_no_algorithm(header: bytes) -> None:
    error = refusal(signed(claims(), header))
    assert (error.code, str(error)) == ("alg", "unsupported alg: None")


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b'["EdDSA"]',
        b'"EdDSA"',
        b'{"alg":"EdDSA"',
        b'{"alg":"EdDSA"}}',
        b'{"alg":"EdDSA",}',
        b'{"alg":["EdDSA"]}',
        b'{"alg":1}',
        b'{"alg":"EdDSA","alg":"EdDSA"}',
        b'{"alg":"none","\\u0061lg":"EdDSA"}',
        b'\xef\xbb\xbf{"alg":"EdDSA"}',
        b'{"alg":"EdDSA","x":NaN}',
        b'{"alg":"EdDSA","x":"\\ud800"}',
        b'{"alg":"EdDSA","x":"\xff"}',
        b'{"alg":"EdDSA","deep":' + b"[" * 50_000 + b"}",
    ],
)
def test_headers_that_are_no_header(header: bytes) -> None:
    error = refusal(signed(claims(), header))
    assert error.code == "header-json"
    assert str(error).startswith("header parse: ")


def test_member_order_and_white_space_are_free() -> None:
    backwards = dict(reversed(list(claims().items())))
    assert verify(signed(json.dumps(backwards, indent=4).encode() + b"\r\n\t "))
    assert verify(signed(with_text('"iss"', '"\\u0069ss"')))


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("iss", "issuer", "invalid issuer: None"),
        ("aud", "audience", "audience mismatch: expected"),
        ("jazz_pub_key", "missing-pub-key", "missing jazz_pub_key"),
        ("sub", "missing-sub", "missing sub"),
        ("iat", "missing-iat", "missing iat"),
        ("exp", "missing-exp", "missing exp"),
    ],
)
@pytest.mark.parametrize("absent", [..., None], ids=["absent", "null"])
def test_missing_claims(name: str, code: str, message: str, absent: Any) -> None:
    error = refusal(signed(claims(**{name: absent})))
    assert error.code == code
    assert str(error).startswith(message)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "jazz_pub_key", "iat", "exp"])
def test_duplicates(name: str) -> None:
    proper = json.dumps(claims())[:-1]
    value = json.dumps(claims()[name])
    for again in (
        f'"{name}": {value}',
        f'"{name}": null',
        f'"\\u00{ord(name[0]):02x}{name[1:]}": {value}',
        f'"{name}": [',
    ):
        error = refusal(signed(f"{proper}, {again}}}".encode()))
        assert error.code == "duplicate-claim"
        assert str(error).startswith(f"claims parse: duplicate field `{name}` at line 1 column ")
    first_null = f'{{"{name}": null, ' + json.dumps(claims())[1:]
    assert refusal(signed(first_null.encode())).code == "duplicate-claim"


@pytest.mark.parametrize("name", ["jti", "role", "ISS", "iss ", "", "nbf", "__proto__", "é"])
def test_unknown_members(name: str) -> None:
    error = refusal(signed(claims(**{name: 1})))
    assert error.code == "unknown-claim"
    assert str(error).startswith(f"claims parse: unknown field `{name}`, expected one of `iss`, ")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"role" oops', "unknown-claim"),
        (b'{"iss":"a","iss" oops', "duplicate-claim"),
        (b'{"iss":1,"role":1}', "claims-json"),
        (b'{"iss":"a" "role":1}', "claims-json"),
    ],
)
def test_the_first_failure_in_the_text_wins(payload: bytes, code: str) -> None:
    assert refusal(signed(payload)).code == code


@pytest.mark.parametrize("wrong", [1, 1.5, True, [], ["x"], {}])
@pytest.mark.parametrize("name", ["iss", "sub", "aud", "jazz_pub_key"])
def test_texts_must_be_strings(name: str, wrong: Any) -> None:
    assert refusal(signed(claims(**{name: wrong}))).code == "claims-json"


@pytest.mark.parametrize("name", ["iat", "exp"])
@pytest.mark.parametrize(
    "wrong", ["1.0", "1e9", '"1"', "-1", "-0", "true", "[]", "{}", str(2**64), "1" * 5000, "0123"]
)
def test_times_must_be_integers(name: str, wrong: str) -> None:
    error = refusal(signed(with_text(f'"{name}": {claims()[name]}', f'"{name}": {wrong}')))
    assert error.code == "claims-json"
    assert str(error).startswith("claims parse: ")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        json.dumps(list(claims().values())).encode(),
        json.dumps(claims()).encode()[:-1],
        json.dumps(claims()).encode() + b"{}",
        json.dumps(claims()).encode()[:-1] + b",}",
        b"\xef\xbb\xbf" + json.dumps(claims()).encode(),
        json.dumps(claims()).encode("utf-16"),
        with_text("urn:jazz", "urn:\\ud800"),
        with_text("urn:jazz", "urn:\n"),
        with_text("urn:jazz", "urn:\\x41"),
        with_text("urn:jazz", "urn:@").replace(b"@", b"\xff"),
        with_text("urn:jazz", "urn:@").replace(b"@", b"\xed\xa0\x80"),
        b"/**/" + json.dumps(claims()).encode(),
        b'{"iss":' + b"[" * 100_000,
    ],
)
def test_claims_that_are_no_claims(payload: bytes) -> None:
    error = refusal(signed(payload))
    assert error.code == "claims-json"
    assert str(error).startswith("claims parse: ")


def test_segments_are_strict_base64() -> None:
    header, payload, signature = signed(claims(), HEADER + b" ").split(".")
    for wrong in (header + "=", header + " ", "+" + header[1:], header[:-1] + "B", ""):
        expected = "header-json" if wrong == "" else "header-base64"
        assert refusal(f"{wrong}.{payload}.{signature}").code == expected
    for wrong in (payload + "=", "\n" + payload, payload + "A" * (5 - len(payload) % 4)):
        error = refusal(f"{header}.{wrong}.{signature}")
        assert error.code == "claims-base64"
        assert str(error).startswith("claims decode: ")
    for wrong in (signature + "==", signature + ".", signature + ".x", signature[:-1] + "_"):
        error = refusal(f"{header}.{payload}.{wrong}")
        assert error.code == "signature-base64"
        assert str(error).startswith("sig decode: ")
    for wrong in ("", b64(b"x" * 63), b64(b"x" * 65)):
        error = refusal(f"{header}.{payload}.{wrong}")
        assert (error.code, str(error)) == ("signature-length", "signature must be 64 bytes")
