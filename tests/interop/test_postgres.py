"""All flows once more, over PostgreSQL, and the same search in a dump of its tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ..social.oidc_provider import OidcProvider
from .conftest import ADDRESS, node_is_ready, play
from .server import Server
from .test_canary import hits

_SERVER = {"host": "127.0.0.1", "user": "postgres", "dbname": "postgres", "connect_timeout": 2}


def postgres_answers() -> bool:
    """Whether there is one on this machine that lets the tests in."""
    try:
        psycopg.connect(**_SERVER).close()  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(not node_is_ready(), reason="needs Node and `npm ci` in tests/interop"),
    pytest.mark.skipif(not postgres_answers(), reason="no PostgreSQL answers on 127.0.0.1:5432"),
]


@pytest.fixture
def empty_database() -> Iterator[str]:
    database = f"jazzauth_interop_{uuid.uuid4().hex[:12]}"
    name = sql.Identifier(database)
    with psycopg.connect(**_SERVER, autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield database
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def dump(database: str) -> bytes:
    """Every row of every table, as PostgreSQL writes them out."""
    octets = bytearray()
    options = _SERVER | {"dbname": database}
    with psycopg.connect(**options) as connection:  # type: ignore[arg-type]
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("COPY {} TO STDOUT WITH (FORMAT binary)").format(sql.Identifier(table))
            with connection.cursor().copy(query) as rows:
                for part in rows:
                    octets += part
    return bytes(octets)


def test_every_flow_on_postgres(empty_database: str, tmp_path: Path, idp: OidcProvider) -> None:
    directory = tmp_path / "server"
    directory.mkdir()
    with Server(directory, idp.url, postgres=empty_database) as server:
        run = play(directory, idp, server)
    failed = {name: o.error for name, o in run.outcomes.items() if not o.passed}
    assert failed == {}
    content = directory / "dump"
    content.write_bytes(dump(empty_database))
    assert content.stat().st_size > 300_000
    texts = {"mark": run.mark, "IP address": ADDRESS}
    texts |= {f"{s['kind']} {n}": s["value"] for n, s in enumerate(run.secrets)}
    assert hits([content, server.log], texts) == []
