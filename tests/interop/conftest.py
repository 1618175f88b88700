"""One run of all flows against one server; the tests look at what came of it."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from django_jazzauth.identity import derive_user_id, mint_proof

from ..social.oidc_provider import OidcProvider
from .run import HERE, Outcome, run_flows
from .server import Server

AUDIENCE = "interop"
ADDRESS = "203.0.113.77"


def node_is_ready() -> bool:
    """Whether the flows can run on this machine."""
    return shutil.which("node") is not None and (HERE / "node_modules" / "better-auth").is_dir()


@dataclass(frozen=True)
class Run:
    """What a run left behind: how each flow went, what must stand nowhere, and where to look."""

    outcomes: dict[str, Outcome]
    mark: str
    secrets: list[dict[str, str]]
    directory: Path


def play(directory: Path, provider: OidcProvider, server: Server) -> Run:
    """Run every flow against ``server``, and leave it running."""
    mark = f"zq{secrets.token_hex(6)}"
    secrets_file = directory.parent / f"{directory.name}-secrets.jsonl"
    secrets_file.touch()
    seeds = [secrets.token_bytes(32) for _ in range(2)]
    proofs = [
        {"token": mint_proof(seed, AUDIENCE, ttl=300), "userId": str(derive_user_id(seed))}
        for seed in seeds
    ]
    outcomes = run_flows(
        {
            "INTEROP_URL": server.url,
            "INTEROP_PROVIDER": provider.url,
            "INTEROP_MARK": mark,
            "INTEROP_ADDRESS": ADDRESS,
            "INTEROP_PROOFS": json.dumps(proofs),
            "INTEROP_SECRETS": str(secrets_file),
        }
    )
    seen = [json.loads(line) for line in secrets_file.read_text().splitlines()]
    return Run(outcomes, mark, seen, directory)


@pytest.fixture(scope="session")
def idp() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(scope="session")
def sqlite_run(tmp_path_factory: pytest.TempPathFactory, idp: OidcProvider) -> Iterator[Run]:
    """All flows on SQLite. The WAL stays: the last connection to close would remove it."""
    directory = tmp_path_factory.mktemp("interop")
    with (
        Server(directory, idp.url) as server,
        closing(sqlite3.connect(server.database)) as reader,
    ):
        reader.execute("SELECT count(*) FROM jazzauth_event").fetchone()
        run = play(directory, idp, server)
        server.stop()
        yield run
