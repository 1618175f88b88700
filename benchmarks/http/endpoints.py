"""What is asked for: each endpoint with its request and the answer that counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .. import people
from .target import Target

API = "api"
OURS = "ours"
FLOOR = "floor"
ADMIN = "admin"

_SIGN_UPS_PER_SECOND = 4_000  # more than any server takes

Requests = Callable[[Target, int], Iterable[bytes]]
"""Makes the list for a slice, out of the server and the slice's seconds."""


@dataclass(frozen=True)
class Endpoint:
    """One of them.

    Attributes:
        key: for ``--only``.
        title: in the tables.
        requests: what is sent.
        expected: a text that every right answer contains.
        endless: the list may begin again; otherwise each request is sent once.
        whole: the slice lasts until the whole list is answered, however long that takes: for
            answers so slow that those cut off at the end would count.
        hashes: a password is hashed: measured with either hash.
        group: ``api`` of any server with these paths, ``ours`` of ours alone, ``floor`` and
            ``admin`` likewise.
    """

    key: str
    title: str
    requests: Requests
    expected: str
    endless: bool = True
    whole: bool = False
    hashes: bool = False
    group: str = API


def _api(path: str) -> Requests:
    return lambda target, _: [target.compose("GET", target.api + path)]


def _whole(path: str) -> Requests:
    return lambda target, _: [target.compose("GET", path)]


def _by_cookie(path: str) -> Requests:
    return lambda target, _: [
        target.compose("GET", target.api + path, {"Cookie": who.cookie})
        for who in target.signed_in()
    ]


def _by_bearer(path: str) -> Requests:
    return lambda target, _: [
        target.compose("GET", target.api + path, {"Authorization": f"Bearer {who.bearer}"})
        for who in target.signed_in()
    ]


def _by_jwt(path: str) -> Requests:
    return lambda target, _: [
        target.compose("GET", path, {"Authorization": f"Bearer {token}"}) for token in target.jwts()
    ]


def sign_ins(target: Target, _seconds: int = 0) -> Iterable[bytes]:
    """The people of the server, in no order, each with the right password."""
    path = f"{target.api}/sign-in/email"
    for address in target.addresses():
        yield target.compose("POST", path, body={"email": address, "password": people.PASSWORD})


def _sign_ups(target: Target, seconds: int) -> Iterable[bytes]:
    path, run = f"{target.api}/sign-up/email", random.randbytes(6).hex()
    for number in range(_SIGN_UPS_PER_SECOND * seconds):
        address = f"new.{run}.{number}@example.org"
        new = {"email": address, "name": "Somebody New", "password": people.PASSWORD}
        yield target.compose("POST", path, body=new)


def _sign_outs(target: Target, _seconds: int) -> Iterable[bytes]:
    path = f"{target.api}/sign-out"
    for who in target.sign_in_anew():
        yield target.compose("POST", path, {"Cookie": who.cookie}, body={})


def _page(key: str, title: str, path: str, expected: str) -> Endpoint:
    """A page of the admin, of one person after the other where the path names one."""

    def requests(target: Target, _seconds: int) -> Iterable[bytes]:
        for number in target.shown():
            named = path.format(pk=people.person_id(number), email=people.email(number))
            yield target.compose("GET", named, {"Cookie": target.admin_cookie})

    return Endpoint(key, title, requests, expected, endless=False, whole=True, group=ADMIN)


_USERS = "/admin/django_jazzauth/user/"
_SESSIONS = "/admin/django_jazzauth/session/"

ENDPOINTS = (
    Endpoint("get-session", "get-session, cookie", _by_cookie("/get-session"), '"session":'),
    Endpoint("bearer", "get-session, bearer", _by_bearer("/get-session"), '"session":'),
    Endpoint("jwt", "a DRF view, by JWT", _by_jwt("/who"), '"id":', group=OURS),
    Endpoint("token", "token", _by_cookie("/token"), '"token":'),
    Endpoint("jwks", "jwks", _api("/jwks"), '"keys":'),
    Endpoint("sign-out", "sign-out", _sign_outs, '"success":', endless=False, whole=True),
    Endpoint("sign-in", "sign-in", sign_ins, '"token":', hashes=True),
    Endpoint("sign-up", "sign-up", _sign_ups, '"token":', endless=False, hashes=True),
    Endpoint("empty-drf", "an empty DRF view", _whole("/empty/drf"), '"ok"', group=FLOOR),
    Endpoint("empty-django", "an empty Django view", _whole("/empty/django"), '"ok"', group=FLOOR),
    Endpoint("raw", "raw WSGI", _whole("/"), '"ok"', group=FLOOR),
    _page("admin-users", "list of users", _USERS, "result_list"),
    _page("admin-search", "search by e-mail", _USERS + "?q={email}", "1 user"),
    _page("admin-user", "a user", _USERS + "{pk}/change/", 'id="user_form"'),
    _page("admin-history", "a user's history", _USERS + "{pk}/history/", "</table>"),
    _page("admin-sessions", "list of sessions", _SESSIONS, "result_list"),
)
BY_KEY = {endpoint.key: endpoint for endpoint in ENDPOINTS}
