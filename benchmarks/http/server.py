"""Starting and stopping the servers that are measured."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..sides import ROOT
from .processes import family

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


class ServerFailed(RuntimeError):
    """A server did not start; what it wrote says why."""


@dataclass(frozen=True)
class Serving:
    """How an application is served, always by one worker process.

    Attributes:
        server: key of :data:`SERVERS`.
        threads: that answer requests.
    """

    server: str
    threads: int

    def command(self, module: str, port: int) -> list[str]:
        """The command line.

        Args:
            module: with ``wsgi``, ``asgi`` or ``raw`` in it.
            port: on the loopback.
        """
        return SERVERS[self.server](module, port, self.threads)

    @property
    def interface(self) -> str:
        """``wsgi`` or ``asgi``."""
        return "asgi" if self.server.endswith("asgi") else "wsgi"


def _granian_wsgi(module: str, port: int, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--blocking-threads", str(threads)),
        *("--log-level", "warning", f"{module}:application"),
    ]


def _granian_asgi(module: str, port: int, threads: int) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--log-level", "warning", f"{module}:application"),
    ]


def _gunicorn(worker: str) -> Callable[[str, int, int], list[str]]:
    def command(module: str, port: int, threads: int) -> list[str]:
        chosen = ["--threads", str(threads)] if worker == "gthread" else []
        return [
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"),
            *("--workers", "1", "--worker-class", worker, *chosen, "--keep-alive", "75"),
            *("--no-control-socket", "--log-level", "warning", f"{module}:application"),
        ]

    return command


SERVERS: dict[str, Callable[[str, int, int], list[str]]] = {
    "granian": _granian_wsgi,
    "granian-asgi": _granian_asgi,
    "gunicorn": _gunicorn("gthread"),
    "gunicorn-asgi": _gunicorn("asgi"),
}


class Server:
    """A server process on a port of its own. A context manager.

    Args:
        serving: how.
        module: Python module with ``application``.
        environment: of the process, given its address.
    """

    def __init__(
        self, serving: Serving, module: str, environment: Callable[[str], dict[str, str]]
    ) -> None:
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - see close
        self._process = subprocess.Popen(
            serving.command(module, port),
            cwd=ROOT,
            env=environment(self.address),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def wait(self, path: str) -> None:
        """Wait until it answers ``path`` with 200.

        Raises:
            ServerFailed: it ended, or takes too long.
        """
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            if self._answers(path):
                return
            time.sleep(0.1)
        self._output.seek(0)
        raise ServerFailed(f"the server does not answer: {self._output.read().decode()}")

    def _answers(self, path: str) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def processes(self) -> list[int]:
        """Ids of all its processes."""
        return family(self._process.pid)

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in reversed(self.processes()):
                subprocess.run(["kill", "-9", str(pid)], check=False)
            self._process.wait()
        self._output.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
