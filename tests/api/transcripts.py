"""Replaying recorded exchanges with a Better Auth server, and comparing the answers.

Values that must differ (tokens, ids, dates) are compared by kind; error bodies, names, statuses and
cookie attributes exactly. What the server itself made up during the recording is replaced in later
requests by what ours made up instead.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from django.test import Client

from django_jazzauth.api.plugins import installed
from django_jazzauth.models import Session

FOLDER = Path(__file__).parent.parent / "data" / "better-auth" / "transcripts"

# Members, cookies and headers of plugins: left out of the comparison where the plugin is not
# installed.
PLUGIN_MEMBERS = {
    "username": {"username", "displayUsername"},
    "anonymous": {"isAnonymous"},
    "two-factor": {"twoFactorEnabled"},
    "phone-number": {"phoneNumber", "phoneNumberVerified"},
    "admin": {"role", "banned", "banReason", "banExpires", "impersonatedBy"},
    "organization": {"activeOrganizationId", "activeTeamId"},
}
PLUGIN_COOKIES = {
    "last-login-method": re.compile(r".*last_used_login_method"),
    "multi-session": re.compile(r".*session_token_multi-.*"),
}
PLUGIN_HEADERS = {"bearer": {"set-auth-token"}, "jwt": {"set-auth-jwt"}}
# ``updatedAt`` and the rest change with the server; their form does not.
VOLATILE = {
    "token": re.compile(r"[A-Za-z0-9]{32}|[\w-]+\.[\w-]+\.[\w-]+"),
    "id": re.compile(r"[\w-]{32,36}"),
    "userId": re.compile(r"[\w-]{32,36}"),
    "kid": re.compile(r"[\w-]{32,36}"),
    "x": re.compile(r"[\w-]{43}"),
    "createdAt": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "updatedAt": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "expiresAt": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    "ipAddress": re.compile(r".*"),
}
COMPARED_HEADERS = ("content-type", "cache-control", "pragma", "location", "x-retry-after")
# Headers whose value differs; each answer must have those that the recorded one has.
_EXPOSED = {"set-auth-token", "set-auth-jwt"}
MATCHED_HEADERS = (*sorted(_EXPOSED), "access-control-expose-headers")


@dataclass
class Exchange:
    """One recorded request with its answer, and where it stands: ``area``, and line from 1."""

    flow: str
    step: str
    request: dict[str, Any]
    response: dict[str, Any]
    area: str = ""
    line: int = 0

    @property
    def is_http(self) -> bool:
        """Whether it is no mail and no note."""
        return self.request["method"] not in ("MAIL", "NOTE")


def area(name: str) -> list[Exchange]:
    """Every line of one transcript, mails and notes included, in order."""
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [
        Exchange(r["name"], r["step"], r["request"], r["response"], name, number)
        for number, r in enumerate(records, 1)
    ]


def flow(of: str, name: str) -> list[Exchange]:
    """The HTTP exchanges of one flow, in order."""
    return [
        exchange for exchange in area(of) if exchange.flow == f"{of}.{name}" and exchange.is_http
    ]


@dataclass
class Replay:
    """Plays exchanges against the views and collects what differs.

    Args:
        prefix: what stands before ``/api/auth`` in the recorded paths.
    """

    prefix: str = ""
    differences: list[str] = field(default_factory=list)
    steps: int = 0
    _ours: dict[str, str] = field(default_factory=dict)

    def learn(self, recorded: str, ours: str) -> None:
        """From now on send ``ours`` where the recording has ``recorded``."""
        if recorded and recorded != ours:
            self._ours[recorded] = ours

    def become(self, exchange: Exchange, email: str, **members: Any) -> Any:
        """Sign somebody up whose sign-up is not in the recording; send their cookies from now on.

        Args:
            exchange: the first whose request has the cookie.
            email: whose it is.
            members: of the sign-up.
        """
        body = {"email": email, "password": "correct-horse-battery", "name": "Alice", **members}
        answer = Client().post("/api/auth/sign-up/email", body, content_type="application/json")
        assert answer.status_code == 200
        cookie = exchange.request["headers"]["cookie"]
        recorded = cookie.split("better-auth.session_token=")[1].split(";")[0]
        self.learn_cookie(recorded, answer.cookies["better-auth.session_token"].value)
        return Session.objects.get(token=answer.json()["token"])

    def learn_cookie(self, recorded: str, ours: str) -> None:
        """Send our session cookie, in whatever form, where the recording has its own."""
        self.learn(recorded, ours)
        self.learn(unquote(recorded), unquote(ours))
        theirs, mine = recorded.split(".")[0], ours.split(".")[0]
        self.learn(theirs, mine)
        # What the cookie of one of several sessions is called.
        self.learn(theirs.lower(), mine.lower())

    def play(self, exchange: Exchange) -> Any:
        """Send one request, compare the answer, return it."""
        self.steps += 1
        answer = self._send(exchange.request)
        self._compare(exchange, answer)
        self._learn_from(exchange.response, answer)
        return answer

    def _send(self, request: dict[str, Any]) -> Any:
        headers = {k: self._translate(v) for k, v in request["headers"].items()}
        content_type = headers.pop("content-type", None)
        body = request["body"]
        if body is None:
            octets = b""
        elif isinstance(body, str):
            octets = self._translate(body).encode()
        else:
            octets = self._translate(json.dumps(body)).encode()
        path = request["path"].removeprefix(self.prefix)
        query = f"?{urlencode(request['query'])}" if request["query"] else ""
        # A client for each request: cookies are those of the recording.
        return Client(enforce_csrf_checks=True).generic(
            request["method"],
            self._translate(path + query),
            octets,
            content_type=content_type or "",
            headers=headers,
        )

    def _translate(self, text: str) -> str:
        for recorded in sorted(self._ours, key=len, reverse=True):
            text = text.replace(recorded, self._ours[recorded])
        return text

    def _compare(self, exchange: Exchange, answer: Any) -> None:
        def differ(what: str, recorded: Any, ours: Any) -> None:
            self.differences.append(
                f"{exchange.flow} / {exchange.step}: {what}: recorded {recorded!r}, ours {ours!r}"
            )

        recorded = exchange.response
        if answer.status_code != recorded["status"]:
            differ("status", recorded["status"], (answer.status_code, answer.content[:200]))
            return
        for name in COMPARED_HEADERS:
            if name == "cache-control" and exchange.request["path"].endswith("/jwks"):
                continue  # ours may be kept for a while
            theirs = self._translate(recorded["headers"].get(name, ""))
            if answer.headers.get(name, "") != theirs:
                differ(name, recorded["headers"].get(name), answer.headers.get(name))
        given = set(recorded["headers"]) - _hidden(PLUGIN_HEADERS)
        if recorded["body"] is None:
            given -= {"set-auth-jwt"}  # for nobody: a fault that the reference says not to copy
        if not given & _EXPOSED:
            given -= {"access-control-expose-headers"}
        for name in MATCHED_HEADERS:
            if (name in given) != (name in answer.headers):
                differ(name, recorded["headers"].get(name), answer.headers.get(name))
        if answer.headers.get("content-type") == "text/html":
            return  # a page for people: ours looks as we like
        ours = json.loads(answer.content) if answer.content else ""
        for what, theirs, mine in _body_differences("body", recorded["body"], ours):
            differ(what, theirs, mine)
        theirs, mine = _recorded_cookies(recorded), _our_cookies(answer)
        if theirs != mine:
            differ("cookies", theirs, mine)

    def _learn_from(self, recorded: dict[str, Any], answer: Any) -> None:
        for line in recorded["headers"].get("set-cookie", []):
            name, _, rest = line.partition("=")
            value = rest.split(";")[0]
            if value and name in answer.cookies:
                self.learn_cookie(value, answer.cookies[name].value)


def _body_differences(where: str, recorded: Any, ours: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        known = {k: v for k, v in recorded.items() if k not in _hidden(PLUGIN_MEMBERS)}
        if known.keys() != ours.keys():
            return [(f"{where} members", sorted(known), sorted(ours))]
        found = []
        for name, value in known.items():
            form = VOLATILE.get(name)
            if form is not None and isinstance(value, str):
                if not isinstance(ours[name], str) or not form.fullmatch(ours[name]):
                    found.append((f"{where}.{name}", value, ours[name]))
            else:
                found += _body_differences(f"{where}.{name}", value, ours[name])
        return found
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = zip(recorded, ours, strict=True)
        return [
            d for i, (r, o) in enumerate(pairs) for d in _body_differences(f"{where}[{i}]", r, o)
        ]
    return [] if recorded == ours else [(where, recorded, ours)]


def _recorded_cookies(response: dict[str, Any]) -> dict[str, Any]:
    lines = response["headers"].get("set-cookie", [])
    hidden = [pattern for name, pattern in PLUGIN_COOKIES.items() if not is_installed(name)]
    return dict(
        _cookie(line)
        for line in lines
        if not any(pattern.fullmatch(line.split("=")[0]) for pattern in hidden)
    )


def is_installed(plugin: str) -> bool:
    """Whether the plugin of that name takes part in this test."""
    return plugin in {found.name for found in installed().plugins}


def _hidden(by_plugin: dict[str, set[str]]) -> set[str]:
    return {name for plugin in by_plugin if not is_installed(plugin) for name in by_plugin[plugin]}


def _our_cookies(answer: Any) -> dict[str, Any]:
    return dict(_cookie(morsel.OutputString()) for morsel in answer.cookies.values())


def _cookie(line: str) -> tuple[str, tuple[bool, frozenset[str]]]:
    """Name -> (has a value, attributes); a value must be percent-encoded as JavaScript does."""
    pair, *attributes = line.split("; ")
    name, _, value = pair.partition("=")
    assert quote(unquote(value), safe="-_.!~*'()") == value
    start, multi, token = name.partition("_multi-")
    if multi:
        # The name has the token in it, which differs; removed, it has no value to compare with.
        assert value == "" or value.partition(".")[0].lower() == token
        name = f"{start}{multi}{len(token)}"
    return name, (value != "", frozenset(attributes))
