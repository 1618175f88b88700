"""The key set of another issuer: kept, fetched again, kept through outages."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from django_jazzauth.tokens.fetching import MAX_BYTES, FetchFailed, fetch_json
from django_jazzauth.tokens.remote_keys import RemoteKeys
from django_jazzauth.tokens.verification_keys import UnusableKeySet, load_key, load_key_set

from ..authentication.issuer import Issuer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Any:
    with Issuer() as running:
        running.add_key("one")
        yield running


def kids(keys: Any) -> list[str | None]:
    return [key.kid for key in keys]


def test_kept_for_its_time(issuer: Issuer) -> None:
    clock = Clock()
    remote = RemoteKeys(issuer.url, clock=clock)
    assert kids(remote.current()) == ["one"]
    clock.now += 299
    remote.current()
    assert issuer.requests == 1
    issuer.add_key("two")
    clock.now += 2
    assert kids(remote.current()) == ["one", "two"]


def test_one_forced_request_in_a_while(issuer: Issuer) -> None:
    clock = Clock()
    remote = RemoteKeys(issuer.url, clock=clock)
    remote.current()
    issuer.add_key("two")
    assert kids(remote.refreshed()) == ["one", "two"]
    issuer.add_key("three")
    for _token in range(5):
        assert kids(remote.refreshed()) == ["one", "two"]
    assert issuer.requests == 2
    clock.now += 10
    assert kids(remote.refreshed()) == ["one", "two", "three"]


def test_kept_through_an_outage(issuer: Issuer) -> None:
    clock = Clock()
    remote = RemoteKeys(issuer.url, clock=clock)
    issuer.status = 500
    with pytest.raises(FetchFailed):
        remote.current()
    issuer.status = 200
    remote.current()
    issuer.status = 500
    clock.now += 301
    requests = issuer.requests
    for _token in range(5):
        assert kids(remote.current()) == ["one"]
    # A publisher that is down is not asked for every token.
    assert issuer.requests == requests + 1
    clock.now += 298
    assert kids(remote.current()) == ["one"]
    clock.now += 2
    with pytest.raises(FetchFailed):
        remote.current()
    issuer.status = 200
    assert kids(remote.current()) == ["one"]


def test_a_bad_set_does_not_replace_a_good_one(issuer: Issuer) -> None:
    clock = Clock()
    remote = RemoteKeys(issuer.url, clock=clock)
    remote.current()
    issuer.keys = {"keys": []}
    clock.now += 301
    assert kids(remote.current()) == ["one"]
    with pytest.raises(UnusableKeySet):
        remote.refreshed()


def test_threads_share_a_request(issuer: Issuer) -> None:
    issuer.delay = 0.1
    remote = RemoteKeys(issuer.url)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: kids(remote.current()), range(8)))
    assert found == [["one"]] * 8
    assert issuer.requests == 1


def test_slow_or_long_answers(issuer: Issuer) -> None:
    issuer.delay = 0.3
    with pytest.raises(FetchFailed):
        fetch_json(issuer.url, total=0.1)
    issuer.delay = 0
    issuer.keys = "x" * MAX_BYTES
    with pytest.raises(FetchFailed, match="longer than"):
        fetch_json(issuer.url)
    with pytest.raises(FetchFailed):
        fetch_json("http://127.0.0.1:1/jwks")


def test_a_trickle_does_not_last_for_ever() -> None:
    class Trickle(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            try:
                for _byte in range(100):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Trickle)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        began = time.monotonic()
        with pytest.raises(FetchFailed, match="took longer"):
            fetch_json(f"http://127.0.0.1:{server.server_port}/", total=0.2)
        assert time.monotonic() - began < 2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def jwk(algorithm: Any, key: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(algorithm.to_jwk(key))
    return made


def test_algorithms_follow_from_the_key() -> None:
    rsa_key = jwk(RSAAlgorithm, rsa.generate_private_key(65537, 2048).public_key())
    p384 = jwk(ECAlgorithm, ec.generate_private_key(ec.SECP384R1()).public_key())
    edwards = jwk(OKPAlgorithm, ed25519.Ed25519PrivateKey.generate().public_key())
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}
    assert load_key(p384).algorithms == ("ES384",)
    assert load_key(edwards).algorithms == ("EdDSA",)
    assert load_key(secret).algorithms == ("HS256", "HS384", "HS512")
    assert {"RS256", "PS512"} <= set(load_key(rsa_key).algorithms)
    assert load_key({**rsa_key, "alg": "RS256"}).algorithms == ("RS256",)
    assert load_key({**rsa_key, "alg": "RSA-OAEP"}).algorithms == ()
    assert load_key({**rsa_key, "alg": "HS256"}).algorithms == ()
    assert "key=" not in repr(load_key(secret))


def test_private_members_are_left_out() -> None:
    private = jwk(ECAlgorithm, ec.generate_private_key(ec.SECP256R1()))
    assert isinstance(load_key(private).key, ec.EllipticCurvePublicKey)


P521 = jwk(ECAlgorithm, ec.generate_private_key(ec.SECP521R1()).public_key())
P256 = jwk(ECAlgorithm, ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": {}},
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [P256, P521]},
        {"keys": [{**P256, "crv": "P-384"}]},
        {"keys": [{**P256, "x": "AAAA"}]},
        {"keys": [{**P256, "x": 5}]},
        {"keys": [{**P256, "kid": 5}]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "oct"}]},
        {"keys": [{"kty": ["EC"], "crv": {}}]},
    ],
)
def test_unusable_sets(document: Any) -> None:
    with pytest.raises(UnusableKeySet):
        load_key_set(document)
