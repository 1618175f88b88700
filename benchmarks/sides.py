"""The two sides that are compared, and how a worker process is told which one it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

STOCK = "stock"
OURS = "ours"
SIDES = (STOCK, OURS)

SQLITE = "sqlite"
POSTGRESQL = "postgresql"
ENGINES = (SQLITE, POSTGRESQL)

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "bench"

_SIDE = "JAZZAUTH_BENCH_SIDE"
_ENGINE = "JAZZAUTH_BENCH_ENGINE"
_NAME = "JAZZAUTH_BENCH_NAME"
_SECRET = "JAZZAUTH_BENCH_SECRET"


def environment(side: str, engine: str, name: str, secret: str) -> dict[str, str]:
    """The environment of a worker process.

    Args:
        side: ``stock`` or ``ours``.
        engine: ``sqlite`` or ``postgresql``.
        name: file (SQLite) or name (PostgreSQL) of its database.
        secret: text of the worker secret that opens the sealed databases.
    """
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        _SIDE: side,
        _ENGINE: engine,
        _NAME: name,
        _SECRET: secret,
    }


def this_side() -> str:
    """The side that this process is."""
    return os.environ.get(_SIDE, OURS)


def this_engine() -> str:
    """The engine that this process uses."""
    return os.environ.get(_ENGINE, SQLITE)


def this_database() -> str:
    """File or name of this process's database."""
    return os.environ.get(_NAME, ":memory:")


def this_secret() -> str | None:
    """The worker secret that this process was given."""
    return os.environ.get(_SECRET)


def command(module: str) -> list[str]:
    """The command line that runs a module of this package in a fresh process."""
    return [sys.executable, "-m", f"benchmarks.{module}"]
