"""Does the time of a refused sign-in tell whether an address has an account?

``python -m benchmarks.sign_in_timing``: pairs of sign-ins with a wrong password, one for an unknown
and one for a known address, over HTTP to a server of its own. Which comes first changes from pair
to pair, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .machine import describe_machine

_ROOT = Path(__file__).resolve().parents[1]
_SETTINGS = "example_project.settings_conformance"
_START_SECONDS = 60.0
_WARM_UP = 50
_RESAMPLES = 2_000


@contextmanager
def _server() -> Iterator[int]:
    """The conformance server over a fresh database; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "conformance_server", "--port", str(port)],
            cwd=_ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": _SETTINGS, "JAZZAUTH_DEMO_DIR": directory},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _answers(process, port):
                output.seek(0)
                raise RuntimeError(f"The server does not answer: {output.read().decode()}")
            yield port
        finally:
            process.terminate()
            process.wait()


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it does; False when it ended, or takes too long."""
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


class _Caller:
    """One connection that stays open, so that no pair pays for opening it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Content-Type": "application/json", "Host": f"localhost:{port}"}

    def post(self, path: str, body: dict[str, str], expected: int) -> int:
        """Nanoseconds until the answer is there."""
        text = json.dumps(body)
        begins = time.perf_counter_ns()
        self._connection.request("POST", f"/api/auth{path}", text, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        taken = time.perf_counter_ns() - begins
        if answer.status != expected:
            raise RuntimeError(f"{path} answered {answer.status}, not {expected}.")
        return taken


def _known(number: int) -> str:
    return f"person.{number:07d}@example.org"


def _unknown(number: int) -> str:
    return f"nobody.{number:07d}@example.org"


def _measure(port: int, pairs: int, people: int) -> tuple[list[int], list[int]]:
    """Times of the unknown and of the known addresses, in nanoseconds, pair by pair."""
    caller, choice = _Caller(port), random.Random(1)
    for number in range(people):
        person = {"email": _known(number), "name": "Person", "password": "correct-horse-battery"}
        caller.post("/sign-up/email", person, 200)
    times: dict[bool, list[int]] = {False: [], True: []}
    for pair in range(-_WARM_UP, pairs):
        known_first = choice.random() < 0.5
        for known in (known_first, not known_first):
            email = _known(choice.randrange(people)) if known else _unknown(pair + _WARM_UP)
            body = {"email": email, "password": "not-the-password"}
            taken = caller.post("/sign-in/email", body, 401)
            if pair >= 0:
                times[known].append(taken)
    return times[False], times[True]


def _interval(unknown: list[int], known: list[int]) -> tuple[float, float]:
    """Between which values 95 % of the ratios of resampled medians lie (bootstrap, by pairs)."""
    choice, indices = random.Random(2), range(len(unknown))
    ratios = []
    for _ in range(_RESAMPLES):
        drawn = choice.choices(indices, k=len(unknown))
        ratios.append(
            statistics.median(unknown[i] for i in drawn)
            / statistics.median(known[i] for i in drawn)
        )
    ratios.sort()
    return ratios[int(0.025 * _RESAMPLES)], ratios[int(0.975 * _RESAMPLES)]


def main() -> None:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--people", type=int, default=200, help="Accounts in the database.")
    options = parser.parse_args()
    with _server() as port:
        unknown, known = _measure(port, options.pairs, options.people)
    for what, times in (("unknown", unknown), ("known", known)):
        low, middle, high = (value / 1e6 for value in statistics.quantiles(times, n=4))
        print(f"{what:8} median {middle:.3f} ms, quartiles {low:.3f} and {high:.3f} ms")
    ratio = statistics.median(unknown) / statistics.median(known)
    low, high = _interval(unknown, known)
    print(f"unknown / known: {ratio:.4f} (95 %: {low:.4f} to {high:.4f}), {len(known)} pairs")
    print(", ".join(f"{name} {value}" for name, value in describe_machine().items()))


if __name__ == "__main__":
    main()
