"""A server that is measured, and the people who use it."""

from __future__ import annotations

import http.client
import json
import random
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .. import people
from .environment import CHEAP, REAL
from .prepared import Prepared

_SIGN_OUTS = {CHEAP: 500, REAL: 50}
_JWTS = 100
_CHOSEN = 1_000
_SHOWN = 20


class Refused(RuntimeError):
    """A server did not answer as it has to while a measurement was prepared."""


@dataclass(frozen=True)
class SignedIn:
    """What a session is shown by: a ``Cookie`` header, and a bearer token."""

    cookie: str
    bearer: str


@dataclass
class Target:
    """A server.

    Attributes:
        name: in the tables.
        address: ``http://host:port``.
        api: path below which the API is.
        hashing: what its passwords are hashed with: ``cheap`` or ``real``.
        users: how many it was filled with; 0 of a peer, whose number is not known.
        processes: gives the ids of its processes; none where they are not known.
        database: gives those of the database server's processes that work for it.
        prepared: of one of ours: sessions that the filling left behind.
        origin: that it trusts; its address by default.
        groups: of endpoints that it has.
        is_raw: it has one answer for everything.
    """

    name: str
    address: str
    api: str = "/api/auth"
    hashing: str = REAL
    users: int = 0
    processes: Callable[[], list[int]] = list
    database: Callable[[], list[int]] = list
    prepared: Prepared | None = None
    groups: frozenset[str] = frozenset({"api"})
    is_raw: bool = False
    origin: str = ""
    _sessions: list[SignedIn] = field(default_factory=list)
    _addresses: list[str] = field(default_factory=list)
    _jwts: list[str] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        """Whether it is django_jazzauth."""
        return self.prepared is not None

    @property
    def host(self) -> str:
        """``host:port``."""
        return urlsplit(self.address).netloc

    @property
    def admin_cookie(self) -> str:
        """Of a superuser's session."""
        return "" if self.prepared is None else self.prepared.admin_cookie

    def compose(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: dict[str, str] | None = None,
    ) -> bytes:
        """A whole HTTP request."""
        octets = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        if body is not None:
            # As a browser says; without it, what changes something by a cookie is refused.
            lines += [f"Origin: {self.origin or self.address}", "Content-Type: application/json"]
            lines.append(f"Content-Length: {len(octets)}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + octets

    # -- its people -------------------------------------------------------------------------------

    def addresses(self) -> Sequence[str]:
        """E-mail addresses of people who may sign in, in no order; signed up first at a peer."""
        if not self._addresses:
            if self.users:
                # The odd ones have the cheap hash, see `filling`.
                able = range(0 if self.hashing == REAL else 1, self.users, 2)
                chosen = random.Random(1).sample(able, min(_CHOSEN, len(able)))
                self._addresses = [people.email(number) for number in chosen]
            else:
                self._addresses = self._sign_up(20 if self.hashing == REAL else 200)
        return self._addresses

    def shown(self) -> Sequence[int]:
        """Numbers of people whom the admin shows: of those who have a history, in every size."""
        return range(min(_SHOWN, self.users))

    def signed_in(self) -> Sequence[SignedIn]:
        """Live sessions of different people, the same ones each time."""
        if not self._sessions:
            if self.prepared is not None:
                self._sessions = [SignedIn(*session) for session in self.prepared.sessions]
            else:
                self._sessions = self._sign_in(len(self.addresses()))
        return self._sessions

    def sign_in_anew(self) -> Iterable[SignedIn]:
        """Sessions that nobody has used yet."""
        return self._sign_in(_SIGN_OUTS[self.hashing])

    def jwts(self) -> Sequence[str]:
        """Tokens of ``/token``."""
        if not self._jwts:
            with _Client(self) as client:
                for who in self.signed_in()[:_JWTS]:
                    answer = client.ask("GET", "/token", headers={"Cookie": who.cookie})
                    self._jwts.append(answer.body["token"])
        return self._jwts

    def _sign_up(self, count: int) -> list[str]:
        run = uuid.uuid4().hex[:12]
        addresses = [f"person.{run}.{number}@example.org" for number in range(count)]
        with _Client(self) as client:
            for address in addresses:
                new = {"email": address, "name": "A Person", "password": people.PASSWORD}
                client.ask("POST", "/sign-up/email", new)
        return addresses

    def _sign_in(self, count: int) -> list[SignedIn]:
        addresses = self.addresses()
        found = []
        with _Client(self) as client:
            for number in range(count):
                address = addresses[number % len(addresses)]
                right = {"email": address, "password": people.PASSWORD}
                answer = client.ask("POST", "/sign-in/email", right)
                found.append(SignedIn(answer.cookie, answer.body["token"]))
        return found


@dataclass(frozen=True)
class _Answer:
    body: dict[str, str]
    cookie: str


class _Client:
    """One connection to the API of a server, for what is not measured."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = http.client.HTTPConnection(target.host, timeout=60)

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> _Answer:
        """The JSON of an answer, and its cookies as a browser would send them back."""
        told = dict(headers or {})
        if body is not None:
            told |= {
                "Origin": self._target.origin or self._target.address,
                "Content-Type": "application/json",
            }
        octets = None if body is None else json.dumps(body)
        self._connection.request(method, self._target.api + path, octets, told)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Refused(
                f"{self._target.name}: {method} {path} was answered with {response.status} "
                f"instead of 200: {text[:200]!r}"
            )
        cookies = [
            value.partition(";")[0]
            for name, value in response.getheaders()
            if name.lower() == "set-cookie"
        ]
        return _Answer(json.loads(text), "; ".join(cookies))

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
