"""The groups of settings within ``JAZZAUTH`` that are of use to one plugin each."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .conf_groups import Group, Positive, Text


class UsernameSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["USERNAME"]``: lengths, in characters, of names chosen over the API.

    Attributes:
        MIN_LENGTH: the shortest.
        MAX_LENGTH: the longest; the column takes 150.
    """

    MIN_LENGTH: Positive = 3
    MAX_LENGTH: Annotated[int, Meta(ge=1, le=150)] = 30


class AnonymousSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["ANONYMOUS"]``: guests.

    Attributes:
        EMAIL_DOMAIN: of the addresses made up for guests; nobody must receive mail there.
        DELETE_ON_LINK: delete a guest who has signed in to an account, once the signal
            ``anonymous_linked`` was answered.
        ALLOW_DELETE: guests may delete themselves.
    """

    EMAIL_DOMAIN: Text = "anonymous.placeholder.invalid"
    DELETE_ON_LINK: bool = True
    ALLOW_DELETE: bool = True


class MultiSessionSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["MULTI_SESSION"]``: several accounts in one browser.

    Attributes:
        MAXIMUM_SESSIONS: that a browser keeps; a further sign-in works, but its session cannot be
            switched back to.
    """

    MAXIMUM_SESSIONS: Positive = 5


class OneTimeTokenSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["ONE_TIME_TOKEN"]``.

    Attributes:
        EXPIRES_IN: seconds for which a token works, once.
    """

    EXPIRES_IN: Positive = 180


class LastLoginMethodSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["LAST_LOGIN_METHOD"]``.

    Attributes:
        MAX_AGE: seconds for which the browser remembers.
    """

    MAX_AGE: Positive = 2_592_000


class OpenApiSettings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH["OPEN_API"]``: for the plugin ``django_jazzauth.contrib.open_api``.

    Attributes:
        REFERENCE: show the document at ``/reference``.
        IN_PROJECT_SCHEMA: put the endpoints into the document that the project itself makes with
            drf-spectacular.
    """

    REFERENCE: bool = True
    IN_PROJECT_SCHEMA: bool = False
