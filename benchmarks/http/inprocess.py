"""The application without a server, answering the same requests in this process.

``python -m benchmarks.http.inprocess USERS`` under callgrind is what :mod:`.instructions` counts.
It takes lines ``KEY COUNT`` on stdin, says ``ready`` when the requests are made, answers them at
the next line, and says ``done``.
"""

from __future__ import annotations

import gc
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from .endpoints import BY_KEY, Endpoint
from .environment import CHEAP
from .prepared import Prepared, read_prepared
from .target import SignedIn, Target

ADDRESS = "http://127.0.0.1:8000"

Environ = dict[str, Any]


class Answer(Protocol):
    """What Django gives a WSGI server: PEP 3333 leaves it open whether it can be closed."""

    def __iter__(self) -> Iterator[bytes]:
        """The parts of the body."""

    def close(self) -> None:
        """End the request."""


Application = Callable[[Environ, Callable[..., Any]], Answer]


class InProcess(Target):
    """The application as something that requests are made for.

    Args:
        application: for WSGI.
        users: how many people its database was filled with.
        prepared: what the filling left behind.
    """

    def __init__(self, application: Application, users: int, prepared: Prepared) -> None:
        super().__init__("", ADDRESS, hashing=CHEAP, users=users, prepared=prepared)
        self._application = application
        # From the end: those at the beginning stay signed in.
        self._unused = reversed(list(self.signed_in()))

    def sign_in_anew(self) -> Iterable[SignedIn]:
        """Prepared sessions, each once."""
        return self._unused

    def jwts(self) -> Sequence[str]:
        """One."""
        (request,) = islice(BY_KEY["token"].requests(self, 1), 1)
        token: str = json.loads(self.answer(environ(request)))["token"]
        return [token]

    def answer(self, told: Environ) -> bytes:
        """The body of an answer with 200.

        Raises:
            RuntimeError: it is another one.
        """
        seen: list[str] = []
        given = self._application(told, lambda status, headers, error=None: seen.append(status))
        body = b"".join(given)
        given.close()
        if seen != ["200 OK"]:
            raise RuntimeError(f"{told['PATH_INFO']}: {seen} {body[:200]!r}")
        return body


def environ(request: bytes) -> Environ:
    """What a WSGI server makes of a request (PEP 3333)."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, protocol = first.split(" ")
    path, _, query = target.partition("?")
    told: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for line in lines:
        name, _, value = line.partition(": ")
        key = name.upper().replace("-", "_")
        told[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return told


def requests_for(target: Target, endpoint: Endpoint, count: int) -> list[Environ]:
    """So many requests; a list that may begin again does."""
    made: list[bytes] = []
    while len(made) < count:
        more = list(islice(endpoint.requests(target, 1), count - len(made)))
        if not more or not (endpoint.endless or len(more) == count):
            raise RuntimeError(f"there are no {count} requests for {endpoint.key}")
        made += more
    return [environ(request) for request in made]


def main() -> None:
    """Answer what is asked for until stdin ends."""
    users, notes = int(sys.argv[1]), Path(sys.argv[2])
    prepared = read_prepared(notes)
    if prepared is None:
        raise RuntimeError("the database is not filled")
    target = InProcess(import_module("benchmarks.http.wsgi").application, users, prepared)
    for line in sys.stdin:
        key, count = line.split()
        endpoint = BY_KEY[key]
        made = requests_for(target, endpoint, int(count))
        gc.collect()
        print("ready", flush=True)
        sys.stdin.readline()
        for one in made:
            if endpoint.expected.encode() not in target.answer(one):
                raise RuntimeError(f"{key} is answered wrongly")
        print("done", flush=True)


if __name__ == "__main__":
    main()
