"""The conformance server as another process, on a free port, with a database of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 90.0  # seconds until it has to answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """``with Server(…) as server``: answers at :attr:`url` inside the block.

    Args:
        directory: for its database, its worker secret and its output.
        provider: address of the OpenID provider.
        options: members of ``JAZZAUTH`` in place of the conformance server's.
        postgres: an empty database on the loopback; ``None`` for SQLite.
        workers: processes.
    """

    directory: Path
    provider: str
    options: dict[str, Any] | None = None
    postgres: str | None = None
    workers: int = 2

    def __post_init__(self) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = self.directory / "output.log"
        self.database = self.directory / "conformance" / "conformance.sqlite3"

    def __enter__(self) -> Self:
        kept = {name: value for name, value in os.environ.items() if "JAZZAUTH" not in name}
        environment = kept | {
            "DJANGO_SETTINGS_MODULE": "tests.interop.server_settings",
            "JAZZAUTH_DEMO_DIR": str(self.directory),
            "INTEROP_URL": self.url,
            "INTEROP_PROVIDER": self.provider,
            "INTEROP_JAZZAUTH": json.dumps(self.options or {}),
        }
        if self.postgres is not None:
            environment["INTEROP_POSTGRES"] = self.postgres
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "manage.py", "conformance_server"),
                    *("--port", str(self.port), "--workers", str(self.workers)),
                ],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; nothing happens when it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait(self) -> None:
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            if self._process.poll() is not None:
                raise RuntimeError(f"it did not start:\n{self.log.read_text()}")
            try:
                if requests.get(f"{self.url}/api/auth/ok", timeout=5).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.1)
        raise RuntimeError(f"it does not answer:\n{self.log.read_text()}")
