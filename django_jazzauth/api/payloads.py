"""The bodies of the core's answers, as declared with :func:`~.answers.answers`.

They describe what :mod:`.wire` and the handlers write; nothing is serialized with them.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from .fields import StringField
from .serializers import Body, Members


class UserPayload(Members):
    """A user, as their owner sees it."""

    name = serializers.CharField()
    email = serializers.EmailField()
    email_verified = serializers.BooleanField()
    image = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    id = serializers.CharField()


class SessionPayload(Members):
    """A session, as its owner sees it."""

    expires_at = serializers.DateTimeField()
    token = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    ip_address = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField(allow_null=True)
    user_id = serializers.CharField()
    id = serializers.CharField()


class SignedUpPayload(Members):
    """A new user. The token of the session is null where the address must be verified first."""

    token = serializers.CharField(allow_null=True)
    user = UserPayload()


class SignedInPayload(Members):
    """A new session. ``url`` is the ``callbackURL`` that was given."""

    redirect = serializers.BooleanField()
    token = serializers.CharField()
    url = serializers.CharField(required=False)
    user = UserPayload()


class SessionAndUserPayload(Members):
    """Who is signed in."""

    session = SessionPayload()
    user = UserPayload()


class CookieSessionPayload(Members):
    """What a Jazz client keeps beside an HttpOnly cookie."""

    claims = serializers.DictField()
    auth_mode = serializers.ChoiceField(choices=["external", "local-first", "anonymous"])

    def get_fields(self) -> dict[str, Any]:
        """With ``user_id``: Jazz's name, not Better Auth's."""
        return {"user_id": serializers.CharField(), **super().get_fields()}


class StatusPayload(Members):
    """It is done, or nothing had to be."""

    status = serializers.BooleanField()


class VerifiedPayload(StatusPayload):
    """The address is verified; ``user`` after a change of address."""

    user = UserPayload(required=False, allow_null=True)


class NoticePayload(StatusPayload):
    """The same for everybody."""

    message = serializers.CharField()


class SuccessPayload(Members):
    """It is done."""

    success = serializers.BooleanField()


class DeletionPayload(SuccessPayload):
    """Deleted, or a mail was sent that leads to it."""

    message = serializers.CharField()


class TokenPayload(Members):
    """A JWT."""

    token = serializers.CharField()


class JwkPayload(Members):
    """A public key (RFC 7517); which members it has depends on its type."""

    kty = serializers.CharField()
    kid = serializers.CharField()
    alg = serializers.CharField()
    use = serializers.CharField(required=False)
    crv = serializers.CharField(required=False)
    x = serializers.CharField(required=False)
    y = serializers.CharField(required=False)
    n = serializers.CharField(required=False)
    e = serializers.CharField(required=False)


class JwksPayload(Members):
    """The key set (RFC 7517, section 5)."""

    keys = JwkPayload(many=True)


class OkPayload(Members):
    """The server answers."""

    ok = serializers.BooleanField()


class MessagePayload(Members):
    """A mail or message in the test outbox."""

    to = serializers.CharField()
    kind = serializers.CharField()
    url = serializers.CharField(allow_null=True)
    token = serializers.CharField(allow_null=True)
    otp = serializers.CharField(allow_null=True)
    subject = serializers.CharField(allow_null=True)
    body = serializers.CharField(allow_null=True)


class GetSessionQuery(Body):
    """``GET /get-session``."""

    disable_cookie_cache = StringField(required=False, help_text="Any text: read the database")
    disable_refresh = StringField(required=False, help_text="Any text: do not extend the session")
    format = StringField(required=False, help_text="`cookieSession`: as a Jazz client keeps it")


class ErrorQuery(Body):
    """``GET /error``."""

    error = StringField(required=False, help_text="The code that the page shows")


class ResetTokenQuery(Body):
    """``POST /reset-password``."""

    token = StringField(required=False, help_text="Instead of the member of the body")
