"""``python -m benchmarks.requests_cpu``: what one request costs the processor, without a server.

The WSGI handler is called in a worker process with the environ of a request, round after round over
all endpoints, so that whatever slows the machine down hits all of them. Beside the endpoints stand
the floors: empty views of Django and of stock DRF. They go through all of the middleware, the API
passes most of it by, as `docs/howto/serving.md` advises. ``--middleware api`` leaves only what does
that, ``none`` nothing. What a server adds is not in it, nor the time that PostgreSQL itself works.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from . import people
from .sampling import sample, shares
from .sides import ENGINES, OURS, SQLITE, command, environment

_USERS = 10_000
_HOST = "bench.example.org"
_SIGNED_IN = 1000
"""Sessions that are used over and over: those who are signed in at the moment."""

_NEW = 100_000_000
"""Numbers from here on belong to people who sign up."""

Environ = dict[str, Any]


def _environ(method: str, path: str, body: bytes = b"", **headers: str) -> Environ:
    sent = {"CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))} if body else {}
    return sent | {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": _HOST,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "198.51.100.7",
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "HTTP_HOST": _HOST,
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }


class Site:
    """The site in this process, with people who are signed in."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self._handler: Any = get_wsgi_application()
        self._tokens = self._sessions(_SIGNED_IN, 0)
        self._turn = 0
        self._newcomers = _NEW
        self._give_passwords()
        self.endpoints: dict[str, Callable[[int], list[Environ]]] = {
            "empty Django view": lambda count: self._many(count, "GET", "/empty/django"),
            "empty DRF view": lambda count: self._many(count, "GET", "/empty/drf"),
            "ok": lambda count: self._many(count, "GET", "/api/auth/ok"),
            "get-session, nobody": lambda count: self._many(count, "GET", "/api/auth/get-session"),
            "get-session": lambda count: [
                _environ("GET", "/api/auth/get-session", cookie=cookie)
                for cookie in self._cookies(count)
            ],
            "bearer": lambda count: [
                _environ("GET", "/api/auth/get-session", authorization=f"Bearer {token}")
                for token in self._next_tokens(count)
            ],
            "token": lambda count: [
                _environ("GET", "/api/auth/token", cookie=cookie) for cookie in self._cookies(count)
            ],
            "jwks": lambda count: self._many(count, "GET", "/api/auth/jwks"),
            "sign-out": self._sign_outs,
            "sign-in": self._sign_ins,
            "sign-up": self._sign_ups,
        }

    def warm_up(self) -> None:
        """Let everybody who is signed in come once."""
        for environ in self.endpoints["get-session"](_SIGNED_IN):
            self.ask(environ)

    def ask(self, environ: Environ) -> tuple[str, bytes]:
        """Answer one request as a server would: its status and body."""
        status = ""

        def start_response(line: str, headers: Any, exc_info: Any = None) -> None:
            nonlocal status
            status = line

        answer = self._handler(environ, start_response)
        body = b"".join(answer)
        answer.close()
        return status, body

    def _many(self, count: int, method: str, path: str) -> list[Environ]:
        return [_environ(method, path) for _ in range(count)]

    def _next_tokens(self, count: int) -> Iterator[str]:
        for _ in range(count):
            self._turn += 1
            yield self._tokens[self._turn % _SIGNED_IN]

    def _cookies(self, count: int) -> list[str]:
        return [_cookie(token) for token in self._next_tokens(count)]

    def _sign_outs(self, count: int) -> list[Environ]:
        self._turn += count
        return [
            _environ(
                "POST",
                "/api/auth/sign-out",
                cookie=_cookie(token),
                origin=f"https://{_HOST}",
            )
            for token in self._sessions(count, self._turn)
        ]

    def _sign_ins(self, count: int) -> list[Environ]:
        """Of people who have other sessions already; each opens one more."""
        self._turn += count
        return [
            _posted(
                "/api/auth/sign-in/email",
                {"email": people.email(number % _SIGNED_IN), "password": people.PASSWORD},
            )
            for number in range(self._turn, self._turn + count)
        ]

    def _sign_ups(self, count: int) -> list[Environ]:
        """Of people who were never here."""
        start = self._newcomers
        self._newcomers += count
        return [
            _posted(
                "/api/auth/sign-up/email",
                {
                    "email": people.email(number),
                    "name": people.person(number)["name"],
                    "password": people.PASSWORD,
                },
            )
            for number in range(start, start + count)
        ]

    def _give_passwords(self) -> None:
        """Let those who sign in have a password by the cheap hash of these benchmarks."""
        from django.contrib.auth import get_user_model
        from django.contrib.auth.hashers import make_password

        pks = [people.person_id(number) for number in range(_SIGNED_IN)]
        chosen = get_user_model().objects.filter(pk__in=pks)
        chosen.update(password=make_password(people.PASSWORD))

    def _sessions(self, count: int, start: int) -> list[str]:
        """Sessions as the API opens them."""
        from django.db import transaction
        from django.utils import timezone

        from django_jazzauth.models import Session

        expires = timezone.now() + timedelta(days=7)
        rows = []
        for number in range(start, start + count):
            address, browser = people.client(number)
            rows.append(
                Session(
                    user_id=people.person_id(number % _USERS),
                    expires_at=expires,
                    ip_address=address,
                    user_agent=browser,
                )
            )
        with transaction.atomic():
            Session.objects.bulk_create(rows)
        return [row.token for row in rows]


def _posted(path: str, body: dict[str, str]) -> Environ:
    return _environ("POST", path, json.dumps(body).encode(), origin=f"https://{_HOST}")


def _cookie(token: str) -> str:
    from django_jazzauth.api.cookies import encode, sign
    from django_jazzauth.conf import get_settings

    value = encode(sign(token, get_settings().SECRET))
    return f"__Secure-better-auth.session_token={value}"


def measure(site: Site, names: Sequence[str], rounds: int, calls: int) -> dict[str, float]:
    """Microseconds of CPU per request, by endpoint: the second decile of all rounds.

    What a busy machine adds is never negative, so that the lower rounds are the truer ones.
    """
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            environs = site.endpoints[name](calls)
            gc.collect()
            gc.freeze()
            start = time.process_time_ns()
            answers = [site.ask(environ) for environ in environs]
            took = time.process_time_ns() - start
            gc.unfreeze()
            wrong = [status for status, _body in answers if not status.startswith("200")]
            if wrong:
                raise RuntimeError(f"{name} answered {wrong[0]}")
            if number:  # the first round warms up
                found[name].append(took / calls / 1000)
    return {name: statistics.quantiles(took, n=10)[1] for name, took in found.items()}


def profile(site: Site, name: str, calls: int) -> dict[str, float]:
    """The shares of the parts of a request in its time, 0 to 1."""
    for environ in site.endpoints[name](calls // 10):
        site.ask(environ)
    environs = site.endpoints[name](calls)
    return shares(sample(lambda: [site.ask(environ) for environ in environs]))


def _work(options: argparse.Namespace) -> None:
    """In the worker process: measure, and print the result as JSON."""
    site = Site()
    site.warm_up()
    names = [name for name in site.endpoints if not options.only or name in options.only]
    if options.profile:
        print(json.dumps({name: profile(site, name, options.calls) for name in names}))
    else:
        print(json.dumps(measure(site, names, options.rounds, options.calls)))


def _run(options: argparse.Namespace, engine: str) -> dict[str, Any]:
    """Start a worker on a copy of the prepared database."""
    from .__main__ import shelf

    databases = shelf()
    name = databases.copy(OURS, engine, _USERS, "requests")
    told = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings_requests",
        "JAZZAUTH_BENCH_MIDDLEWARE": options.middleware,
        "JAZZAUTH_BENCH_JWT": "1" if options.jwt else "",
    }
    try:
        done = subprocess.run(
            [*command("requests_cpu"), *sys.argv[1:], "--worker"],
            env=environment(OURS, engine, name, databases.secret) | told,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
    finally:
        databases.drop(OURS, engine, "requests")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure as the command line says, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests_cpu", description=__doc__)
    parser.add_argument("--db", choices=ENGINES, nargs="+", default=[SQLITE])
    parser.add_argument("--middleware", choices=("usual", "api", "none"), default="usual")
    parser.add_argument("--jwt", action="store_true", help="with the jwt plugin")
    parser.add_argument("--only", nargs="+", help="endpoints, as they are called in the output")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=40, help="requests per endpoint and round")
    parser.add_argument("--profile", action="store_true", help="where the time goes instead")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _work(options)
        return
    for engine in options.db:
        found = _run(options, engine)
        print(f"{engine}, middleware: {options.middleware}")
        for name, value in found.items():
            if options.profile:
                parts = ", ".join(f"{part} {share:.0%}" for part, share in value.items() if share)
                print(f"  {name}: {parts}")
            else:
                ratio = value / found.get("empty DRF view", value)
                print(f"  {name:22} {value:8.1f} µs {ratio:6.2f}")


if __name__ == "__main__":
    main()
