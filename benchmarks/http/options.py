"""The command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..sides import ROOT, VAR
from .endpoints import ADMIN, ENDPOINTS
from .environment import ENGINES, HASHES, REAL, SQLITE
from .memory import REQUESTS
from .server import SERVERS, Serving

_NAMED = {"pid", "hash", "origin"}
_DOCS = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True)
class Peer:
    """A server of somebody else, which runs already.

    Attributes:
        name: in the tables.
        address: ``http://host:port``.
        api: path below which the API is.
        pid: a process whose time, with that of all that descend from it, is the server's; 0
            where it is not known.
        hashing: ``real``, or ``cheap`` where its hash was replaced as well.
        origin: that it trusts; its address by default.
    """

    name: str
    address: str
    api: str
    pid: int
    hashing: str
    origin: str


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, checked. ``section`` is the part of the page that the run writes."""
    api = [endpoint.key for endpoint in ENDPOINTS if endpoint.group != ADMIN]
    every = [endpoint.key for endpoint in ENDPOINTS]
    parser = argparse.ArgumentParser(
        prog="make bench-http ARGS=…",
        description="Measure the API over HTTP with wrk, interleaved with other servers.",
        epilog=(
            f"Keys for --only: {', '.join(every)}; admin for those of the admin together. "
            "PostgreSQL is found by PGHOST, PGPORT, PGUSER and PGPASSWORD; databases of ours "
            "there are called jazzauth_bench_http_*."
        ),
    )
    add = parser.add_argument
    add("--sizes", type=_numbers, default=[10_000], help="users, 10000; 100,10000 for growth")
    add("--db", choices=ENGINES, default=SQLITE)
    add("--hash", type=_words(HASHES), default=list(HASHES), help="cheap,real")
    add("--connections", type=_numbers, default=[1, 16], help="at a time, 1,16")
    add("--seconds", type=int, default=2, help="of a slice, 2")
    add("--slices", type=int, default=5, help="per server and endpoint, 5")
    add("--only", type=_words([*every, ADMIN]), default=None, help="keys; see below")
    add("--server", type=_words(list(SERVERS)), default=["granian"], help=", ".join(SERVERS))
    add("--threads", type=int, default=4, help="that answer requests, 4 (WSGI)")
    add("--memo", type=int, default=None, help="JAZZAUTH[MEMO_SIZE] of the server")
    add(
        "--peer",
        type=_peer,
        action="append",
        default=[],
        dest="peers",
        metavar="NAME=URL",
        help="another server: name=url[,pid=N][,hash=cheap][,origin=URL]; repeatable",
    )
    add("--storm", action="store_true", help="get-session while 16 connections sign in")
    add(
        "--memory",
        type=int,
        nargs="?",
        const=REQUESTS,
        default=0,
        metavar="REQUESTS",
        help=f"memory of a worker over so many requests, {REQUESTS}",
    )
    add("--data", type=Path, default=VAR, help="folder of the filled databases, var/bench")
    add("--section", default=None, help="part of docs/benchmarks/http.md that the run writes")
    add("--out", type=Path, default=None, help="folder; docs/benchmarks for a whole run")
    options = parser.parse_args(arguments)
    if min(options.sizes) < 2:
        parser.error("--sizes begin at 2")
    if options.seconds < 1 or options.slices < 1 or options.threads < 1:
        parser.error("--seconds, --slices and --threads begin at 1")
    if options.memory and len(options.sizes) * len(options.server) > 1:
        parser.error("--memory looks at one server: give one size and one --server")
    partial = options.only is not None and options.section is None
    if options.only is None:
        options.only = api
    options.only = [
        key
        for key in every
        if key in options.only or (ADMIN in options.only and key.startswith("admin-"))
    ]
    if options.out is None:
        # A look at a part must not take the place of published results.
        options.out = VAR / "results" if partial else _DOCS
    options.section = options.section or _section(options)
    options.servings = [Serving(server, options.threads) for server in options.server]
    return options


def _section(options: argparse.Namespace) -> str:
    kind = "storm" if options.storm else "memory" if options.memory else "requests"
    if len(options.sizes) > 1:
        kind = "growth"
    if len(options.server) > 1:
        kind = "servers"
    return f"{kind}-{options.db}"


def _numbers(text: str) -> list[int]:
    numbers = sorted({int(part.replace("_", "")) for part in text.split(",")})
    if numbers[0] < 1:
        raise argparse.ArgumentTypeError("numbers begin at 1")
    return numbers


def _words(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(
                    f"{word!r} is unknown; known are {', '.join(known)}"
                )
        return words

    return read


def _peer(text: str) -> Peer:
    name, equals, rest = text.partition("=")
    url, *more = rest.split(",")
    parts = urlsplit(url)
    named = dict(part.partition("=")[::2] for part in more)
    if not equals or parts.scheme != "http" or not parts.netloc or set(named) - _NAMED:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form name=http://host:port[/path][,pid=N][,hash=cheap]"
            "[,origin=URL]"
        )
    hashing = named.get("hash", REAL)
    if hashing not in HASHES:
        raise argparse.ArgumentTypeError(f"hash is one of {', '.join(HASHES)}")
    return Peer(
        name=name,
        address=f"http://{parts.netloc}",
        api=parts.path.rstrip("/") or "/api/auth",
        pid=int(named.get("pid", 0)),
        hashing=hashing,
        origin=named.get("origin", f"http://{parts.netloc}"),
    )
