"""What the runner tells the suites through the environment: database and worker secret.

The modules of this folder are imported inside the suites' processes, where ``tests`` is somebody
else's package; that is why their names are long and they import nothing of ``tests.ecosystem``.
"""

from __future__ import annotations

import os
from typing import Any


def databases(*aliases: str) -> dict[str, dict[str, Any]]:
    """Django's ``DATABASES`` for the run, one database for each alias.

    PostgreSQL is reached as ``PGHOST``, ``PGPORT``, ``PGUSER`` and ``PGPASSWORD`` say.
    """
    if os.environ["JAZZ_ECOSYSTEM_DB"] == "sqlite":
        return {
            alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"} for alias in aliases
        }
    name = os.environ["JAZZ_ECOSYSTEM_DB_NAME"]
    return {
        alias: {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name if alias == aliases[0] else f"{name}_{alias}",
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", "5432"),
            "USER": os.environ.get("PGUSER", "postgres"),
            "PASSWORD": os.environ.get("PGPASSWORD", ""),
        }
        for alias in aliases
    }


def jazzauth() -> dict[str, Any]:
    """``JAZZAUTH``: a worker secret made for this run."""
    return {"WORKER_SECRET": os.environ["JAZZ_ECOSYSTEM_SECRET"]}
