"""The providers that are known by name: addresses, scopes, and where their answers say what.

A path like ``picture.data.url`` leads into the answer; a number is a place in a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_OIDC_SCOPES = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Where an answer says who somebody is.

    Attributes:
        id: what never changes.
        email: the address.
        verified: whether it was verified; empty where the provider does not say.
        name: the name to show, the first path that leads to something.
        image: address of a picture; ``{id}`` and ``{value}`` in :attr:`image_url` are replaced.
        image_url: how the address is made, where the answer has only a part of it.
    """

    id: str = "sub"
    email: str = "email"
    verified: str = "email_verified"
    name: tuple[str, ...] = ("name", "preferred_username")
    image: str = "picture"
    image_url: str = "{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What is the same for everybody who uses a provider.

    Attributes:
        authorize, exchange, userinfo, jwks: addresses of its endpoints (``exchange`` is the token
            endpoint); ``{issuer}`` is replaced.
        issuer: ``iss`` of its ID tokens, empty where it makes none; ``{tid}`` stands for the claim
            of that name.
        scopes: asked for always.
        separator: between scopes.
        pkce: whether it understands PKCE (RFC 7636).
        nonce: whether a nonce is sent.
        authenticate: how the client shows its secret (RFC 6749, 2.3.1).
        parameters: sent along to :attr:`authorize`.
        fields: see :class:`Fields`.
        emails: address of a list ``[{email, primary, verified}]``, which counts instead.
        believed: whether its addresses are verified although its answers do not say so.
    """

    authorize: str
    exchange: str
    userinfo: str = ""
    jwks: str = ""
    issuer: str = ""
    scopes: tuple[str, ...] = _OIDC_SCOPES
    separator: str = " "
    pkce: bool = True
    nonce: bool = False
    authenticate: Literal["client_secret_post", "client_secret_basic"] = "client_secret_post"
    parameters: Mapping[str, str] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    emails: str = ""
    believed: bool = False


_MICROSOFT = "https://login.microsoftonline.com"
_SLACK = "https://slack.com"
_TWITCH = "https://id.twitch.tv/oauth2"

DEFINITIONS: Mapping[str, Definition] = {
    "google": Definition(
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
        exchange="https://oauth2.googleapis.com/token",
        userinfo="https://openidconnect.googleapis.com/v1/userinfo",
        jwks="https://www.googleapis.com/oauth2/v3/certs",
        issuer="https://accounts.google.com",
        scopes=("email", "profile", "openid"),
        parameters={"include_granted_scopes": "true"},
    ),
    "github": Definition(
        authorize="https://github.com/login/oauth/authorize",
        exchange="https://github.com/login/oauth/access_token",
        userinfo="https://api.github.com/user",
        scopes=("read:user", "user:email"),
        fields=Fields(id="id", name=("name", "login"), image="avatar_url"),
        emails="https://api.github.com/user/emails",
    ),
    "microsoft": Definition(
        authorize=f"{_MICROSOFT}/common/oauth2/v2.0/authorize",
        exchange=f"{_MICROSOFT}/common/oauth2/v2.0/token",
        userinfo="https://graph.microsoft.com/oidc/userinfo",
        jwks=f"{_MICROSOFT}/common/discovery/v2.0/keys",
        issuer=_MICROSOFT + "/{tid}/v2.0",
        scopes=("openid", "profile", "email", "User.Read", "offline_access"),
        nonce=True,
    ),
    "apple": Definition(
        authorize="https://appleid.apple.com/auth/authorize",
        exchange="https://appleid.apple.com/auth/token",
        jwks="https://appleid.apple.com/auth/keys",
        issuer="https://appleid.apple.com",
        scopes=("email", "name"),
        pkce=False,
        nonce=True,
        parameters={"response_mode": "form_post"},
    ),
    "discord": Definition(
        authorize="https://discord.com/api/oauth2/authorize",
        exchange="https://discord.com/api/oauth2/token",
        userinfo="https://discord.com/api/users/@me",
        scopes=("identify", "email"),
        fields=Fields(
            id="id",
            verified="verified",
            name=("global_name", "username"),
            image="avatar",
            image_url="https://cdn.discordapp.com/avatars/{id}/{value}.png",
        ),
    ),
    "facebook": Definition(
        authorize="https://www.facebook.com/v24.0/dialog/oauth",
        exchange="https://graph.facebook.com/v24.0/oauth/access_token",
        userinfo="https://graph.facebook.com/me?fields=id,name,email,picture",
        scopes=("email", "public_profile"),
        fields=Fields(id="id", verified="", image="picture.data.url"),
    ),
    "gitlab": Definition(
        authorize="{issuer}/oauth/authorize",
        exchange="{issuer}/oauth/token",
        userinfo="{issuer}/oauth/userinfo",
        jwks="{issuer}/oauth/discovery/keys",
        issuer="https://gitlab.com",
        nonce=True,
    ),
    "linkedin": Definition(
        authorize="https://www.linkedin.com/oauth/v2/authorization",
        exchange="https://www.linkedin.com/oauth/v2/accessToken",
        userinfo="https://api.linkedin.com/v2/userinfo",
        jwks="https://www.linkedin.com/oauth/openid/jwks",
        issuer="https://www.linkedin.com/oauth",
        pkce=False,
        nonce=True,
    ),
    "slack": Definition(
        authorize=f"{_SLACK}/openid/connect/authorize",
        exchange=f"{_SLACK}/api/openid.connect.token",
        userinfo=f"{_SLACK}/api/openid.connect.userInfo",
        jwks=f"{_SLACK}/openid/connect/keys",
        issuer=_SLACK,
        nonce=True,
    ),
    "spotify": Definition(
        authorize="https://accounts.spotify.com/authorize",
        exchange="https://accounts.spotify.com/api/token",
        userinfo="https://api.spotify.com/v1/me",
        scopes=("user-read-email",),
        fields=Fields(id="id", verified="", name=("display_name",), image="images.0.url"),
    ),
    "twitch": Definition(
        authorize=f"{_TWITCH}/authorize",
        exchange=f"{_TWITCH}/token",
        userinfo=f"{_TWITCH}/userinfo",
        jwks=f"{_TWITCH}/keys",
        issuer=_TWITCH,
        scopes=("user:read:email", "openid"),
        pkce=False,
        nonce=True,
        parameters={
            "claims": '{"id_token":{"email":null,"email_verified":null,'
            '"preferred_username":null,"picture":null}}'
        },
    ),
    "twitter": Definition(
        authorize="https://x.com/i/oauth2/authorize",
        exchange="https://api.x.com/2/oauth2/token",
        userinfo="https://api.x.com/2/users/me?user.fields=profile_image_url,confirmed_email",
        scopes=("users.read", "tweet.read", "offline.access", "users.email"),
        authenticate="client_secret_basic",
        fields=Fields(
            id="data.id",
            email="data.confirmed_email",
            verified="",
            name=("data.name", "data.username"),
            image="data.profile_image_url",
        ),
        believed=True,
    ),
    "patreon": Definition(
        authorize="https://www.patreon.com/oauth2/authorize",
        exchange="https://www.patreon.com/api/oauth2/token",
        userinfo=(
            "https://www.patreon.com/api/oauth2/v2/identity"
            "?fields%5Buser%5D=email,full_name,image_url,is_email_verified"
        ),
        scopes=("identity", "identity[email]"),
        pkce=False,
        fields=Fields(
            id="data.id",
            email="data.attributes.email",
            verified="data.attributes.is_email_verified",
            name=("data.attributes.full_name",),
            image="data.attributes.image_url",
        ),
    ),
    "kick": Definition(
        authorize="https://id.kick.com/oauth/authorize",
        exchange="https://id.kick.com/oauth/token",
        userinfo="https://api.kick.com/public/v1/users",
        scopes=("user:read",),
        fields=Fields(
            id="data.0.user_id",
            email="data.0.email",
            verified="",
            name=("data.0.name",),
            image="data.0.profile_picture",
        ),
    ),
    "vercel": Definition(
        authorize="https://vercel.com/oauth/authorize",
        exchange="https://api.vercel.com/login/oauth/token",
        userinfo="https://api.vercel.com/login/oauth/userinfo",
        jwks="https://vercel.com/.well-known/jwks",
        issuer="https://vercel.com",
        scopes=("openid", "email", "profile"),
        nonce=True,
    ),
}
"""By the name that the official client calls them (``twitter`` is X)."""
