"""NATS for the tests: the one that answers on the loopback, and servers of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

SHARED = "nats://127.0.0.1:4222"


def answers(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex(("127.0.0.1", port)) == 0


def binary() -> str | None:
    return shutil.which("nats-server") or shutil.which(
        "nats-server", path="/usr/sbin:/usr/local/sbin"
    )


class NatsServer:
    """A server that a test can stop and start; what it stored stays."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = binary()
        assert program is not None
        command: list[Any] = [program, "-a", "127.0.0.1", "-p", self.port, "-js", "-sd"]
        self._process = subprocess.Popen(
            [*map(str, command), str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"]},
        )
        ends = time.monotonic() + 20
        while not answers(self.port):
            assert time.monotonic() < ends, "nats-server does not start"
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None
