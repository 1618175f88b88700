"""The tour: twenty lines that show what the event store does, each of them checked.

Every step does something real to the example's database and compares what comes of it with what
should; a difference ends the tour with :class:`TourSurprise`.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable

import jwt
import requests
from django.conf import settings
from django.utils import timezone

from django_jazzauth.errors import SealBroken
from django_jazzauth.identity import derive_user_id, generate_seed, mint_proof
from django_jazzauth.models import User
from django_jazzauth.store import store

from . import disk
from .local_server import local_server

Say = Callable[[str], object]

_ADA = "ada"
_ADA_EMAIL = "ada.lovelace@example.org"
_EVE_EMAIL = "eve.local-first@example.org"
_TIMEOUT = 10


class TourSurprise(Exception):
    """Something on the tour was not as it should be."""


def take_tour(write: Say) -> None:
    """Show everything, in order.

    Args:
        write: prints one line.

    Raises:
        TourSurprise: something was not as it should be.
    """

    def say(label: str, text: str = "") -> None:
        write(f"  {label:<26}{text}".rstrip())

    remove_earlier_visitors()
    write("A user, as in any Django project")
    user = create_user(say)
    write("On disk, without keys")
    show_disk(user, say)
    write("Looking back")
    change_name_twice(user, say)
    write("Tampering")
    tamper(user, say)
    write("A local-first identity signs up over HTTP")
    sign_up_with_proof(say)
    write("The whole log")
    verify_all(say)


def remove_earlier_visitors() -> None:
    """Delete whom an earlier tour left behind. The log keeps what they were."""
    User.objects.filter(email__in=[_ADA_EMAIL, _EVE_EMAIL]).delete()


def create_user(say: Callable[..., None]) -> User:
    """Create a user with the stock manager, and load her again."""
    made = User.objects.create_user(_ADA, _ADA_EMAIL, secrets.token_urlsafe(), name="Ada Byron")
    user = User.objects.get(email=_ADA_EMAIL)
    _expect(user == made and user.name == "Ada Byron", "the user was not loaded as she was created")
    say("create_user()", f"{user.username} <{user.email}>, id {user.pk}")
    return user


def show_disk(user: User, say: Callable[..., None]) -> None:
    """Show the row and the event as they lie on disk, then opened."""
    email, head = disk.user_columns(user.pk, "email", "head")
    (created,) = store.history(user)
    payload = disk.event_payload(created.stream, created.version)
    say("the row's e-mail", disk.shown(email))
    say("the row's head", disk.shown(head))
    say("the event", disk.shown(payload))
    found = disk.occurrences(user.email) + disk.occurrences(user.name)
    _expect(found == 0, f"name or e-mail stand readable in the database file ({found} times)")
    say("name, e-mail in the file", f"found {found} times")
    _expect(
        created.state is not None and created.state["email"] == user.email,
        "the opened event does not hold the e-mail",
    )
    say("the event, opened", f"{created.type}, email={created.state['email']}, …")


def change_name_twice(user: User, say: Callable[..., None]) -> None:
    """Change the name, remember the time, change it again; then ask the log."""
    user.name = "Ada King"
    user.save()
    between = timezone.now()
    user.name = "Ada Lovelace"
    user.save()
    events = store.history(user)
    names = [event.state["name"] for event in events if event.state is not None]
    _expect(names == ["Ada Byron", "Ada King", "Ada Lovelace"], f"the history says {names}")
    say("store.history(user)", " → ".join(names))
    then = store.as_of(user, between).name
    _expect(then == "Ada King", f"as of {between:%H:%M:%S.%f} her name was {then}")
    say("store.as_of(user, when)", f"at {between:%H:%M:%S.%f} she was {then}")


def tamper(user: User, say: Callable[..., None]) -> None:
    """Make her a superuser by SQL, see that it is refused, and put it back."""
    disk.set_superuser(user.pk, True)
    try:
        say("UPDATE … is_superuser = 1", "done by SQL, behind Django's back")
        try:
            User.objects.get(pk=user.pk)
        except SealBroken as refusal:
            say("User.objects.get()", f"SealBroken: {refusal}")
        else:
            raise TourSurprise("the tampered row was loaded")
        problems = [problem.code for problem in store.verify().problems]
        _expect(len(problems) == 1, f"verify reports {problems}")
        say("store.verify()", f"1 problem: {problems[0]}")
    finally:
        disk.set_superuser(user.pk, False)
    _expect(not User.objects.get(pk=user.pk).is_superuser, "she is a superuser")


def sign_up_with_proof(say: Callable[..., None]) -> None:
    """Make an identity on the device, sign up with its proof, check the JWT, show the event."""
    seed = generate_seed()
    user_id = derive_user_id(seed)
    say("a fresh identity", str(user_id))
    proof = mint_proof(seed, settings.JAZZAUTH["APP_ID"])
    with local_server() as base:
        browser = requests.Session()
        browser.trust_env = False  # a proxy would not find this server
        answer = browser.post(
            f"{base}/api/auth/sign-up/email",
            json={
                "email": _EVE_EMAIL,
                "password": secrets.token_urlsafe(),
                "name": "Eve",
                "proofToken": proof,
            },
            headers={"Origin": base},
            timeout=_TIMEOUT,
        )
        _expect(answer.status_code == 200, f"sign-up answered {answer.status_code} {answer.text}")
        signed_up = answer.json()["user"]["id"]
        _expect(signed_up == str(user_id), f"sign-up made the user {signed_up}")
        say("POST /sign-up/email", f"200, user {signed_up}")
        claims = _checked_claims(browser, base)
    _expect(claims["sub"] == str(user_id), f"the JWT is about {claims['sub']}")
    say("JWT, checked by /jwks", f"sub {claims['sub']}")
    _show_sealed_event(user_id, say)


def _checked_claims(browser: requests.Session, base: str) -> dict[str, str]:
    token = browser.get(f"{base}/api/auth/token", timeout=_TIMEOUT).json()["token"]
    keys = jwt.PyJWKSet.from_dict(browser.get(f"{base}/api/auth/jwks", timeout=_TIMEOUT).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, str] = jwt.decode(
        token, key, algorithms=[key.algorithm_name], audience=base, issuer=base
    )
    return claims


def _show_sealed_event(user_id: uuid.UUID, say: Callable[..., None]) -> None:
    created = store.history(User, pk=user_id)[0]
    say("the event behind it", disk.shown(disk.event_payload(created.stream, created.version)))
    found = disk.occurrences(_EVE_EMAIL)
    _expect(found == 0, f"the e-mail stands readable in the database file ({found} times)")


def verify_all(say: Callable[..., None]) -> None:
    """Everything is in order again."""
    report = store.verify()
    _expect(report.ok, f"verify reports {[problem.code for problem in report.problems]}")
    say("store.verify()", f"{report.events} events in {report.streams} streams, all in order")


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise TourSurprise(otherwise)
