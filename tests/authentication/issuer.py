"""Another issuer: an HTTP server on the loopback that publishes keys and signs tokens."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm


class Issuer:
    """``with Issuer() as issuer``: publishes :attr:`keys` at :attr:`url`."""

    def __init__(self) -> None:
        self.keys: Any = {"keys": []}
        self.status = 200
        self.delay = 0.0
        self.requests = 0
        self._private: dict[str, ec.EllipticCurvePrivateKey] = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                time.sleep(issuer.delay)
                body = json.dumps(issuer.keys).encode()
                self.send_response(issuer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def add_key(self, kid: str, *, publish: bool = True) -> None:
        self._private[kid] = key = ec.generate_private_key(ec.SECP256R1())
        if publish:
            public: Any = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
            self.keys["keys"].append({**public, "kid": kid})

    def token(self, kid: str, *, named: str | None = None, **claims: Any) -> str:
        """Signed with the key ``kid``; the header says ``named``."""
        payload = {"sub": "user-1", "iss": "https://issuer.example", **claims}
        headers = {"kid": named or kid}
        return jwt.encode(payload, self._private[kid], algorithm="ES256", headers=headers)
