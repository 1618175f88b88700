"""An OpenID provider of ours: a small WSGI application on the loopback.

Nobody types a password: ``test_user`` in the authorization request says who signs in.
``test_error``, ``test_verified=0`` and ``test_sub`` make it answer differently.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CLIENT_ID = "test-client"
CLIENT_SECRET = "test-secret"
_KEY = rsa.generate_private_key(65537, 2048)

Answer = tuple[str, dict[str, str], bytes]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class OidcProvider:
    """``with OidcProvider() as provider``: listens at :attr:`url`.

    Attributes:
        down: answer everything with 503.
        id_token_claims: override what ID tokens say; ``None`` leaves a claim out.
        id_tokens: whether ID tokens are given at all.
        lifetime: seconds of access tokens.
        token_requests: the forms that the token endpoint was sent.
    """

    def __init__(self) -> None:
        self.down = False
        self.id_tokens = True
        self.id_token_claims: dict[str, Any] = {}
        self.lifetime = 3600
        self.token_requests: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        self._server = make_server("127.0.0.1", 0, self._application, _Server, _Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def id_token(self, user: dict[str, Any], **claims: Any) -> str:
        """Signed by this provider."""
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 3600, **user}
        said |= claims | self.id_token_claims
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, _KEY, algorithm="RS256", headers={"kid": "idp-key-1"})

    @staticmethod
    def user(email: str, *, verified: bool = True, sub: str = "") -> dict[str, Any]:
        """What the provider knows of somebody."""
        name = email.partition("@")[0]
        return {
            "sub": sub or f"sub-{hashlib.sha256(email.encode()).hexdigest()[:16]}",
            "name": f"Idp {name}",
            "email": email,
            "email_verified": verified,
            "picture": "https://img.example.com/p.png",
            "preferred_username": name,
        }

    def _application(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        routes = {
            "/.well-known/openid-configuration": self._configuration,
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/jwks": self._jwks,
            "/id-token": self._give_id_token,
        }
        route = routes.get(environ["PATH_INFO"])
        if self.down or route is None:
            status, headers, body = "503 Service Unavailable", {}, b""
        else:
            status, headers, body = route(environ)
        start_response(status, [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _configuration(self, environ: dict[str, Any]) -> Answer:
        return _json(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    def _authorize(self, environ: dict[str, Any]) -> Answer:
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        back = {"state": query["state"]}
        if "test_error" in query:
            back |= {"error": query["test_error"], "error_description": "the user said no"}
        else:
            code = secrets.token_hex(16)
            self._codes[code] = query
            back["code"] = code
        location = f"{query['redirect_uri']}?{urlencode(back)}"
        return "302 Found", {"Location": location}, b""

    def _token(self, environ: dict[str, Any]) -> Answer:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        form = dict(parse_qsl(environ["wsgi.input"].read(length).decode()))
        self.token_requests.append(form)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _json({"error": "invalid_client"}, "401 Unauthorized")
        if form["grant_type"] == "refresh_token":
            known = self._tokens.get(form["refresh_token"])
            return _refused() if known is None else self._give(known["user"], known["nonce"])
        asked = self._codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return _refused()
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked["code_challenge_method"] != "S256" or asked["code_challenge"] != challenge:
            return _refused()
        user = self.user(
            asked.get("test_user", "somebody@example.com"),
            verified=asked.get("test_verified") != "0",
            sub=asked.get("test_sub", ""),
        )
        return self._give(user, asked.get("nonce"))

    def _give(self, user: dict[str, Any], nonce: str | None) -> Answer:
        access, refresh = f"at-{secrets.token_hex(12)}", f"rt-{secrets.token_hex(12)}"
        self._tokens[access] = self._tokens[refresh] = {"user": user, "nonce": nonce}
        given = {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": "openid email profile",
        }
        if self.id_tokens:
            given["id_token"] = self.id_token(user, nonce=nonce)
        return _json(given)

    def _userinfo(self, environ: dict[str, Any]) -> Answer:
        token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        known = self._tokens.get(token)
        return _json({}, "401 Unauthorized") if known is None else _json(known["user"])

    def _give_id_token(self, environ: dict[str, Any]) -> Answer:
        """As an app gets one from a provider's own library."""
        query = dict(parse_qsl(environ["QUERY_STRING"]))
        token = self.id_token(self.user(query["email"]))
        return "200 OK", {"Content-Type": "text/plain"}, token.encode()

    def _jwks(self, environ: dict[str, Any]) -> Answer:
        public: Any = RSAAlgorithm.to_jwk(_KEY.public_key(), as_dict=True)
        return _json({"keys": [{**public, "kid": "idp-key-1", "alg": "RS256"}]})


def _json(value: Any, status: str = "200 OK") -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _refused() -> Answer:
    return _json({"error": "invalid_grant"}, "400 Bad Request")
