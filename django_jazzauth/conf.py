"""The settings: one dict, ``JAZZAUTH``, read into one typed object.

``get_settings()`` reads it once, and again after Django says that it changed (``override_settings``
included). An unknown key or a value of another kind is an error that says which key, what it takes
and what to do. The values are kept out of Django's error reports: some are secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables
from msgspec import Meta

from .errors import ImproperSettings

NAME = "JAZZAUTH"

_Text = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=0)]
_Positive = Annotated[int, Meta(ge=1)]


class ImproperJazzAuthSettings(ImproperSettings, ImproperlyConfigured):
    """As raised: both this package's and Django's kind of error for wrong settings."""


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the groups: read-only, and without values in ``repr``, for some are secret."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class JWTSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["JWT"]``: the tokens that ``/token`` gives out.

    Attributes:
        ALGORITHM: JOSE name (RFC 7518, 8037) of the algorithm of new signing keys.
        ISSUER: ``iss``; None: the base URL.
        AUDIENCE: ``aud``; None: the base URL.
        LIFETIME: seconds until a token ends.
        CLAIMS: dotted path of a function ``(user, session) -> dict``; None: the user's fields.
        ROTATION_INTERVAL: seconds after which a new key signs; None: never by itself.
        GRACE_PERIOD: seconds for which a key that signs no more stays published.
    """

    ALGORITHM: _Text = "EdDSA"
    ISSUER: _Text | None = None
    AUDIENCE: _Text | None = None
    LIFETIME: _Positive = 900
    CLAIMS: _Text | None = None
    ROTATION_INTERVAL: _Positive | None = None
    GRACE_PERIOD: _Count = 2_592_000


class CookieCacheSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["SESSION"]["COOKIE_CACHE"]``: session and user in a cookie of their own.

    Attributes:
        ENABLED: ``/get-session`` answers from the cookie while it is valid, without a query.
        MAX_AGE: seconds for which it is; a revoked session stays visible for as long.
        STRATEGY: its encoding; ``compact`` and ``jwt`` can be read by its owner, ``jwe`` cannot.
        VERSION: part of the content; a new value makes every older cookie count for nothing.
        REVOKE_AT_ONCE: remember ended sessions in CACHE, and look there before a cookie is
            believed: one operation of that cache instead of a query.
        CACHE: alias in ``CACHES``; all processes must share it.
    """

    ENABLED: bool = False
    MAX_AGE: _Positive = 300
    STRATEGY: Literal["compact", "jwt", "jwe"] = "compact"
    VERSION: _Text = "1"
    REVOKE_AT_ONCE: bool = False
    CACHE: _Text = "default"


class SessionSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["SESSION"]``.

    Attributes:
        EXPIRES_IN: seconds until a session ends that nobody uses.
        UPDATE_AGE: seconds after which its use extends it.
        FRESH_AGE: seconds after sign-in during which it counts as fresh; 0: always.
        COOKIE_CACHE: see its class.
    """

    EXPIRES_IN: _Positive = 604_800
    UPDATE_AGE: _Count = 86_400
    FRESH_AGE: _Count = 86_400
    COOKIE_CACHE: CookieCacheSettings = CookieCacheSettings()


class ProofSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PROOF"]``: local-first identity proofs at sign-up.

    Attributes:
        REQUIRED: refuse a sign-up without a proof.
        AUDIENCE: what a proof must be made out to; None: the app id.
        MAX_AGE: seconds after its issue for which a proof is taken.
        ALLOW_ANONYMOUS: accept proofs of anonymous identities as well.
    """

    REQUIRED: bool = False
    AUDIENCE: _Text | None = None
    MAX_AGE: _Positive = 300
    ALLOW_ANONYMOUS: bool = False


class PasswordSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PASSWORD"]``: lengths, in characters, that sign-up accepts."""

    MIN_LENGTH: _Positive = 8
    MAX_LENGTH: _Positive = 128


class EmailVerificationSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["EMAIL_VERIFICATION"]``.

    Attributes:
        ENABLED: send mails by which owners prove that an address is theirs.
        REQUIRED: no sign-in with a password before that. A sign-up then gives no session, and its
            answer does not say whether the address has an account already.
        SEND_ON_SIGN_UP: send one at sign-up; None: if REQUIRED.
        SEND_ON_SIGN_IN: send another when an unverified user is turned away.
        SIGN_IN_AFTER: following the link signs its owner in.
        EXPIRES_IN: seconds for which a link works.
    """

    ENABLED: bool = True
    REQUIRED: bool = False
    SEND_ON_SIGN_UP: bool | None = None
    SEND_ON_SIGN_IN: bool = False
    SIGN_IN_AFTER: bool = False
    EXPIRES_IN: _Positive = 3600


class PasswordResetSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["PASSWORD_RESET"]``.

    Attributes:
        ENABLED: send mails by which a forgotten password is replaced.
        REVOKE_SESSIONS: end all sessions of the user then.
        EXPIRES_IN: seconds for which a link works, once.
    """

    ENABLED: bool = True
    REVOKE_SESSIONS: bool = False
    EXPIRES_IN: _Positive = 3600


class ChangeEmailSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["CHANGE_EMAIL"]``.

    Attributes:
        ENABLED: users may change their address.
        CONFIRM_AT_OLD_ADDRESS: a verified old address has to agree first.
        WITHOUT_VERIFICATION: an address that was never verified is replaced at once.
    """

    ENABLED: bool = False
    CONFIRM_AT_OLD_ADDRESS: bool = True
    WITHOUT_VERIFICATION: bool = False


class DeleteUserSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["DELETE_USER"]``.

    Attributes:
        ENABLED: users may delete their account.
        CONFIRM_BY_MAIL: only after they have followed a link in a mail.
        EXPIRES_IN: seconds for which that link works, once.
    """

    ENABLED: bool = False
    CONFIRM_BY_MAIL: bool = False
    EXPIRES_IN: _Positive = 86_400


class RateRule(_Group, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of ``JAZZAUTH["RATE_LIMIT"]["RULES"]``.

    Attributes:
        WINDOW: seconds; counting starts anew when nothing was counted for as long.
        MAX: requests that are counted before the next are refused.
    """

    WINDOW: _Positive
    MAX: _Positive


class RateLimitSettings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH["RATE_LIMIT"]``: requests of one address to one path.

    Attributes:
        ENABLED: None: unless ``DEBUG``.
        WINDOW: seconds, of the rule for paths that have none of their own.
        MAX: requests, of that rule.
        RULES: rules of the project by path, ``"/sign-in/email"`` or ``"/sign-in/*"``, the first
            that fits; None instead of a rule lifts the limit.
        CACHE: alias in ``CACHES``. With the default local memory each process counts alone.
    """

    ENABLED: bool | None = None
    WINDOW: _Positive = 10
    MAX: _Positive = 100
    RULES: dict[str, RateRule | None] = msgspec.field(default_factory=dict)
    CACHE: _Text = "default"


class Settings(_Group, frozen=True, kw_only=True):
    """``JAZZAUTH``.

    Attributes:
        WORKER_SECRET: text of the worker secret; None: see WORKER_SECRET_FILE.
        WORKER_SECRET_FILE: path of a file that holds it. If neither is set, the environment
            variables ``JAZZAUTH_WORKER_SECRET`` and ``JAZZAUTH_WORKER_SECRET_FILE`` are looked at.
        HPKE_SUITE: suite of new grants.
        BASE_URL: where the site is reached, e.g. ``https://example.org``; None: from the request.
        APP_ID: id of the app for local-first identity.
        APP_NAME: what mails and authenticator apps call the site.
        SECRET: server secret that cookies are signed with, as in Better Auth; derived from
            Django's ``SECRET_KEY`` unless given.
        COOKIE_PREFIX: first part of the cookies' names.
        USE_SECURE_COOKIES: None: when the base URL is https.
        TRUSTED_ORIGINS: origins besides the site's own that may call and be redirected to.
        TRUSTED_PROXIES: addresses or networks whose ``X-Forwarded-For`` is believed.
        JWT, SESSION, PROOF, PASSWORD, EMAIL_VERIFICATION, PASSWORD_RESET, CHANGE_EMAIL,
            DELETE_USER, RATE_LIMIT: see their classes.
        HOOKS: functions of the project around writes, by ``<entity>.<verb>.<moment>``:
            ``{"user.create.before": "shop.hooks.only_customers"}``; a path or a list of paths.
        MAIL_IN_BACKGROUND: send mails by a thread, so that the time of an answer does not tell
            whether one is sent.
        TEST_OUTBOX: show all mails at ``/test-outbox``, to anybody; with ``DEBUG`` only.
        SCAN_LIMIT: rows that one query may open to search a sealed field.
        ORDER_LIMIT: rows that one query may open to sort by a sealed field.
        MEMO_SIZE: opened heads and data keys kept in memory, each.
        MAX_STATE_BYTES: size of an entity's sealed state at most.
        TAMPERED: ``refuse`` to load a row that does not fit its head, or only ``report`` it.
        SQLITE_SYNCHRONOUS: ``NORMAL`` survives a killed process, ``FULL`` a power cut as well.
    """

    WORKER_SECRET: str | None = None
    WORKER_SECRET_FILE: str | None = None
    HPKE_SUITE: Literal["mlkem768-x25519", "x25519"] = "mlkem768-x25519"
    BASE_URL: _Text | None = None
    APP_ID: _Text | None = None
    APP_NAME: _Text = "JazzAuth"
    SECRET: _Text
    COOKIE_PREFIX: _Text = "better-auth"
    USE_SECURE_COOKIES: bool | None = None
    TRUSTED_ORIGINS: tuple[_Text, ...] = ()
    TRUSTED_PROXIES: tuple[_Text, ...] = ()
    JWT: JWTSettings = JWTSettings()
    SESSION: SessionSettings = SessionSettings()
    PROOF: ProofSettings = ProofSettings()
    PASSWORD: PasswordSettings = PasswordSettings()
    EMAIL_VERIFICATION: EmailVerificationSettings = EmailVerificationSettings()
    PASSWORD_RESET: PasswordResetSettings = PasswordResetSettings()
    CHANGE_EMAIL: ChangeEmailSettings = ChangeEmailSettings()
    DELETE_USER: DeleteUserSettings = DeleteUserSettings()
    RATE_LIMIT: RateLimitSettings = RateLimitSettings()
    HOOKS: dict[str, _Text | tuple[_Text, ...]] = msgspec.field(default_factory=dict)
    MAIL_IN_BACKGROUND: bool = True
    TEST_OUTBOX: bool = False
    SCAN_LIMIT: _Count = 10_000
    ORDER_LIMIT: _Count = 10_000
    MEMO_SIZE: _Count = 20_000
    MAX_STATE_BYTES: _Positive = 4_194_304
    TAMPERED: Literal["refuse", "report"] = "refuse"
    SQLITE_SYNCHRONOUS: Literal["NORMAL", "FULL"] = "NORMAL"


_loaded: Settings | None = None


@sensitive_variables()
def get_settings() -> Settings:
    """The settings as they are now.

    Raises:
        ImproperSettings: ``JAZZAUTH`` has an unknown key or a value of the wrong kind (also an
            ``ImproperlyConfigured``).
    """
    global _loaded
    current = _loaded
    if current is None:
        current = _loaded = read_settings(getattr(django_settings, NAME, {}))
    return current


@sensitive_variables()
def read_settings(given: Any) -> Settings:
    """Check a dict as one would write it into ``JAZZAUTH``, and fill in the defaults.

    Raises:
        ImproperSettings: see :func:`get_settings`.
    """
    values = _checked(given, Settings, NAME)
    if "SECRET" not in values:
        # Bound to a purpose of its own, so that nothing signed with the one passes for the other.
        values["SECRET"] = salted_hmac(
            "jazzauth.conf.secret", b"server secret", algorithm="sha256"
        ).hexdigest()
    made = Settings(**values)
    if made.PASSWORD.MIN_LENGTH > made.PASSWORD.MAX_LENGTH:
        raise ImproperJazzAuthSettings(
            f'{NAME}["PASSWORD"]: MIN_LENGTH is above MAX_LENGTH, so no password would do.'
        )
    if made.BASE_URL is not None and not made.BASE_URL.startswith(("https://", "http://")):
        raise ImproperJazzAuthSettings(
            f'{NAME}["BASE_URL"] must begin with https:// (or http:// during development).'
        )
    return made


@sensitive_variables()
def _checked(given: Any, group: type[_Group], where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ImproperJazzAuthSettings(f"{where} must be a dict, not {type(given).__name__}.")
    allowed = group.__struct_fields__
    for key in given:
        if key not in allowed:
            raise ImproperJazzAuthSettings(_unknown(str(key), allowed, where))
    hints = _hints(group)
    return {key: _converted(value, hints[key], f'{where}["{key}"]') for key, value in given.items()}


def _unknown(key: str, allowed: tuple[str, ...], where: str) -> str:
    near = get_close_matches(key.upper(), allowed, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f'{where}["{key}"] is not a setting.{hint} '
        f"Remove or rename it; {where} takes: {', '.join(allowed)}."
    )


@sensitive_variables()
def _converted(value: Any, hint: Any, where: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, _Group):
        return hint(**_checked(value, hint, where))
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        # msgspec names types and bounds, and a value only where a word of a fixed list is wanted.
        choices = get_args(hint) if get_origin(hint) is Literal else ()
        wanted = f" Choose one of {', '.join(map(repr, choices))}." if choices else ""
        text = str(error).replace("array", "list").replace("null", "None")
        raise ImproperJazzAuthSettings(
            f"{where}: {text}.{wanted} Correct it in the settings module."
        ) from None


@cache
def _hints(group: type[_Group]) -> dict[str, Any]:
    return get_type_hints(group, include_extras=True)


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _loaded
    if setting in (NAME, "SECRET_KEY"):
        _loaded = None


setting_changed.connect(_forget, dispatch_uid="jazzauth.conf")
