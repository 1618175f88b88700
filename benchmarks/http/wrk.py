"""One slice of load: wrk with ``drive.lua`` and a list of requests."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("drive.lua")
_TIMEOUT = 60
_LUA = "it is built without LuaJIT's ffi, which drive.lua needs"


class WrkMissing(RuntimeError):
    """wrk is not installed."""


class LoadFailed(RuntimeError):
    """wrk could not do its work, or answers were not what they have to be."""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw.

    Attributes:
        answered: complete answers.
        seconds: from the start to the last of them.
        wrong: of the answers, those that were not as wanted; 0 unless that was tolerated.
        p50, p99: microseconds until an answer was there, as wrk gives them: corrected for requests
            that it could not send while it waited for an answer.
    """

    answered: int
    wrong: int
    seconds: float
    p50: int
    p99: int


def find_wrk() -> str:
    """Path of wrk.

    Raises:
        WrkMissing: with what to do about it.
    """
    found = shutil.which("wrk")
    if found is None:
        raise WrkMissing(
            "wrk is not installed. On Debian and Ubuntu: apt-get install wrk. "
            "On Fedora: dnf install wrk. On macOS: brew install wrk."
        )
    return found


class Running:
    """wrk at work; :meth:`wait` gives what it saw. A context manager that ends it in any case.

    Args:
        address: ``http://host:port``.
        requests: whole HTTP requests.
        connections: how many at a time, each with one request under way.
        seconds: whole ones.
        endless: begin again at the end of the list, instead of ending there.
        expected: a text that every answer must have in its body; its status must be 200.
    """

    def __init__(
        self,
        address: str,
        requests: Iterable[bytes],
        *,
        connections: int,
        seconds: int,
        endless: bool,
        expected: str,
    ) -> None:
        self._about = f"{address}, {expected!r} wanted"
        self._list = tempfile.NamedTemporaryFile(suffix=".requests")  # noqa: SIM115 - see close
        for request in requests:
            self._list.write(request + b"\0")
        self._list.flush()
        self._process = subprocess.Popen(
            [
                *(find_wrk(), "--threads", "1", "--connections", str(connections)),
                *("--duration", str(seconds), "--timeout", str(_TIMEOUT)),
                *("--script", str(_SCRIPT), address, "--"),
                *(self._list.name, "1" if endless else "0", expected),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def settle(self) -> None:
        """Wait until it has been at work for a second."""
        time.sleep(1)

    def wait(self, *, tolerant: bool = False) -> Load:
        """Wait for its end.

        Args:
            tolerant: let wrong answers pass.

        Raises:
            LoadFailed: wrk failed; or, unless tolerant, an answer was wrong.
        """
        output = self._process.communicate()[0]
        line = next((line for line in output.splitlines() if line.startswith("RESULT ")), None)
        if line is None:
            hint = f" ({_LUA})" if "module 'ffi' not found" in output else ""
            raise LoadFailed(f"wrk gave no result{hint}; it said: {output.strip()}")
        found = json.loads(line.removeprefix("RESULT "), strict=False)
        if not tolerant and (found["wrong"] or found["failed"]):
            raise LoadFailed(
                f"{self._about}: {found['wrong']} of {found['answered']} answers were wrong and "
                f"{found['failed']} connections failed; the first wrong answer was "
                f"{found['wrong_answer']!r}"
            )
        if not found["answered"]:
            raise LoadFailed(f"{self._about}: no answer at all")
        return Load(
            answered=found["answered"],
            wrong=found["wrong"],
            seconds=found["took"] / 1e6,
            p50=found["p50"],
            p99=found["p99"],
        )

    def close(self) -> None:
        """End it, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        self._list.close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
