"""What the processes of a run are told in their environment."""

from __future__ import annotations

import os

from ..sides import ROOT

SQLITE = "sqlite"
POSTGRES = "postgres"
ENGINES = (SQLITE, POSTGRES)

REAL = "real"
CHEAP = "cheap"
HASHES = (CHEAP, REAL)

ENGINE = "JAZZAUTH_BENCH_ENGINE"
DATABASE = "JAZZAUTH_BENCH_NAME"
SECRET = "JAZZAUTH_BENCH_SECRET"
HASH = "JAZZAUTH_BENCH_HASH"
MEMO = "JAZZAUTH_BENCH_MEMO"
QUEUE = "JAZZAUTH_BENCH_QUEUE"
ADDRESS = "JAZZAUTH_BENCH_ADDRESS"


def environment(
    engine: str,
    database: str,
    secret: str,
    *,
    hashing: str = CHEAP,
    memo: int | None = None,
    queue: int | None = None,
    address: str = "",
) -> dict[str, str]:
    """The environment of a process of ours.

    Args:
        engine: ``sqlite`` or ``postgres``.
        database: file or name.
        secret: text of the worker secret.
        hashing: ``cheap`` or ``real``.
        memo: opened rows that the server keeps in memory; the default where ``None``.
        queue: sign-ins that may wait for the hashing pool; the default where ``None``.
        address: where it serves, ``http://127.0.0.1:8000``.
    """
    told = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.http.settings",
        "PYTHONPATH": str(ROOT),
        ENGINE: engine,
        DATABASE: database,
        SECRET: secret,
        HASH: hashing,
    }
    if memo is not None:
        told[MEMO] = str(memo)
    if queue is not None:
        told[QUEUE] = str(queue)
    if address:
        told[ADDRESS] = address
    return told
