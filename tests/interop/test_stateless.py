"""The official client against a server that stores no sessions."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from django_jazzauth.identity import derive_user_id, mint_proof

from ..social.oidc_provider import OidcProvider
from .conftest import ADDRESS, AUDIENCE, node_is_ready
from .run import Outcome, listed, run_flows
from .server import Server

pytestmark = [
    pytest.mark.skipif(not node_is_ready(), reason="needs Node and `npm ci` in tests/interop"),
    pytest.mark.xdist_group("interop"),
]

# What cannot be, or is so on purpose; see docs/howto/stateless-sessions.md.
OTHERWISE = {
    # The mail was opened in another browser, so the first one's cookie does not know of it yet.
    "mail: e-mail verification: the link of the mail verifies and signs in",
    # A new password ends the sessions that were opened with the old one.
    "mail: password reset: through the mail, once",
    "sessions: list-sessions shows every device once",
    "tokens: a bearer token instead of a cookie",
}
FILES = ("accounts", "identity", "mail", "sessions", "social", "tokens")
SESSION = {"STATELESS": True, "COOKIE_CACHE": {"REVOKE_AT_ONCE": True}}


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, idp: OidcProvider
) -> Iterator[dict[str, Outcome]]:
    directory = tmp_path_factory.mktemp("stateless")
    seen = directory / "secrets.jsonl"
    seen.touch()
    seeds = [secrets.token_bytes(32) for _ in range(2)]
    proofs = [
        {"token": mint_proof(seed, AUDIENCE, ttl=300), "userId": str(derive_user_id(seed))}
        for seed in seeds
    ]
    # One process: what has ended is remembered in its memory.
    with Server(directory, idp.url, {"SESSION": SESSION}, workers=1) as server:
        yield run_flows(
            {
                "INTEROP_URL": server.url,
                "INTEROP_PROVIDER": idp.url,
                "INTEROP_MARK": f"zq{secrets.token_hex(6)}",
                "INTEROP_ADDRESS": ADDRESS,
                "INTEROP_PROOFS": json.dumps(proofs),
                "INTEROP_SECRETS": str(seen),
            },
            only=FILES,
        )
        with closing(sqlite3.connect(server.database)) as reader:
            assert reader.execute("SELECT count(*) FROM jazzauth_session").fetchone() == (0,)


@pytest.mark.parametrize("flow", [flow for flow in listed() if flow.split(":")[0] in FILES])
def test_flow(outcomes: dict[str, Outcome], flow: str) -> None:
    outcome = outcomes[flow]
    assert outcome.passed == (flow not in OTHERWISE), outcome.error
