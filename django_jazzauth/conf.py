"""The settings: one dict, ``JAZZAUTH``, read into one typed object.

``get_settings()`` reads it once, and again after Django says that it changed (``override_settings``
included). An unknown key or a value of another kind is an error that says which key, what it takes
and what to do. The values are kept out of Django's error reports: some are secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache, wraps
from typing import Any, Literal, TypeVar, TypeVarTuple, get_args, get_origin, get_type_hints

import msgspec
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

from .conf_groups import (
    ChangeEmailSettings,
    CheckpointSettings,
    Count,
    DeleteUserSettings,
    Duration,
    EmailVerificationSettings,
    Group,
    HashingSettings,
    JazzSettings,
    JWTSettings,
    PasswordResetSettings,
    PasswordSettings,
    Positive,
    ProofSettings,
    RateLimitSettings,
    RecordSettings,
    SessionSettings,
    SocialSettings,
    Text,
)
from .conf_groups import ProviderSettings as ProviderSettings
from .conf_plugins import (
    AnonymousSettings,
    LastLoginMethodSettings,
    MultiSessionSettings,
    OneTimeTokenSettings,
    OpenApiSettings,
    UsernameSettings,
)
from .conf_relay import RelaySettings
from .errors import ImproperSettings

NAME = "JAZZAUTH"
_KEPT = 1000
_LONGEST_KEPT = 500
_Key = TypeVarTuple("_Key")
_Made = TypeVar("_Made")


class ImproperJazzAuthSettings(ImproperSettings, ImproperlyConfigured):
    """As raised: both this package's and Django's kind of error for wrong settings."""


class Settings(Group, frozen=True, kw_only=True):
    """``JAZZAUTH``.

    Attributes:
        WORKER_SECRET: text of the worker secret; None: see WORKER_SECRET_FILE.
        WORKER_SECRET_FILE: path of a file that holds it. If neither is set, the environment
            variables ``JAZZAUTH_WORKER_SECRET`` and ``JAZZAUTH_WORKER_SECRET_FILE`` are looked at.
        KEY_PROVIDER: path of a class that holds the worker's private keys instead, such as
            ``django_jazzauth.keys.providers.VaultTransitKeyProvider``.
        KEY_PROVIDER_OPTIONS: its arguments.
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
        JWT, JAZZ, SOCIAL, SESSION, PROOF, PASSWORD, HASHING, EMAIL_VERIFICATION, PASSWORD_RESET,
            CHANGE_EMAIL, DELETE_USER, RATE_LIMIT, RECORD, CHECKPOINT, RELAY: see their classes.
        USERNAME, ANONYMOUS, MULTI_SESSION, ONE_TIME_TOKEN, LAST_LOGIN_METHOD, OPEN_API: of plugins,
            see their classes.
        RETENTION: seconds after its end for which an entity's past can be read, by entity:
            ``{"session": 2_592_000}``. ``jazzauth compact`` then drops it; without an entry, never.
        TRIGRAM_INDEX: fields whose parts can be found without opening every head, by entity:
            ``{"user": ("email", "name")}``. ``jazzauth trigrams`` makes the index.
        HOOKS: functions of the project around writes, by ``<entity>.<verb>.<moment>``:
            ``{"user.create.before": "shop.hooks.only_customers"}``; a path or a list of paths.
        MAIL_IN_BACKGROUND: send mails by a thread, so that the time of an answer does not tell
            whether one is sent. A project's tests that look at ``mail.outbox`` turn it off.
        TEST_OUTBOX: show all mails at ``/test-outbox``, to anybody; with ``DEBUG`` only.
        KEYS_MAX_AGE: seconds for which a process relies on what it read of the index keys before it
            asks again whether they are the same; ``jazzauth reindex`` waits somewhat longer.
        SCAN_LIMIT: rows that one query may open to search a sealed field.
        ORDER_LIMIT: rows that one query may open to sort by a sealed field.
        MEMO_SIZE: opened rows kept in memory, of some 3 kB each, and half as many data keys.
        MAX_STATE_BYTES: size of an entity's sealed state at most.
        TAMPERED: ``refuse`` to load a row that does not fit its head, or only ``report`` it.
        SQLITE_SYNCHRONOUS: ``NORMAL`` survives a killed process, ``FULL`` a power cut as well.
    """

    WORKER_SECRET: str | None = None
    WORKER_SECRET_FILE: str | None = None
    KEY_PROVIDER: Text | None = None
    KEY_PROVIDER_OPTIONS: dict[str, Any] = msgspec.field(default_factory=dict)
    HPKE_SUITE: Literal["mlkem768-x25519", "x25519"] = "mlkem768-x25519"
    BASE_URL: Text | None = None
    APP_ID: Text | None = None
    APP_NAME: Text = "JazzAuth"
    SECRET: Text
    COOKIE_PREFIX: Text = "better-auth"
    USE_SECURE_COOKIES: bool | None = None
    TRUSTED_ORIGINS: tuple[Text, ...] = ()
    TRUSTED_PROXIES: tuple[Text, ...] = ()
    JWT: JWTSettings = JWTSettings()
    JAZZ: JazzSettings = JazzSettings()
    SOCIAL: SocialSettings = SocialSettings()
    SESSION: SessionSettings = SessionSettings()
    PROOF: ProofSettings = ProofSettings()
    PASSWORD: PasswordSettings = PasswordSettings()
    HASHING: HashingSettings = HashingSettings()
    EMAIL_VERIFICATION: EmailVerificationSettings = EmailVerificationSettings()
    PASSWORD_RESET: PasswordResetSettings = PasswordResetSettings()
    CHANGE_EMAIL: ChangeEmailSettings = ChangeEmailSettings()
    DELETE_USER: DeleteUserSettings = DeleteUserSettings()
    RATE_LIMIT: RateLimitSettings = RateLimitSettings()
    RECORD: RecordSettings = RecordSettings()
    CHECKPOINT: CheckpointSettings = CheckpointSettings()
    RELAY: RelaySettings = RelaySettings()
    RETENTION: dict[str, Count] = msgspec.field(default_factory=dict)
    TRIGRAM_INDEX: dict[str, tuple[Text, ...]] = msgspec.field(default_factory=dict)
    USERNAME: UsernameSettings = UsernameSettings()
    ANONYMOUS: AnonymousSettings = AnonymousSettings()
    MULTI_SESSION: MultiSessionSettings = MultiSessionSettings()
    ONE_TIME_TOKEN: OneTimeTokenSettings = OneTimeTokenSettings()
    LAST_LOGIN_METHOD: LastLoginMethodSettings = LastLoginMethodSettings()
    OPEN_API: OpenApiSettings = OpenApiSettings()
    HOOKS: dict[str, Text | tuple[Text, ...]] = msgspec.field(default_factory=dict)
    MAIL_IN_BACKGROUND: bool = True
    TEST_OUTBOX: bool = False
    KEYS_MAX_AGE: Duration = 10.0
    SCAN_LIMIT: Count = 10_000
    ORDER_LIMIT: Count = 10_000
    MEMO_SIZE: Count = 4_000
    MAX_STATE_BYTES: Positive = 4_194_304
    TAMPERED: Literal["refuse", "report"] = "refuse"
    SQLITE_SYNCHRONOUS: Literal["NORMAL", "FULL"] = "NORMAL"


_HOOKS = tuple(
    f"{entity}.{verb}.{moment}"
    for entity in ("user", "session", "account", "verification")
    for verb in ("create", "update")
    for moment in ("before", "after")
)

_loaded: Settings | None = None


def get_settings() -> Settings:
    """The settings as they are now.

    Raises:
        ImproperSettings: ``JAZZAUTH`` has an unknown key or a value of the wrong kind (also an
            ``ImproperlyConfigured``).
    """
    global _loaded
    current = _loaded  # nothing here shows a value: the object does not, and it is read below
    if current is None:
        current = _loaded = read_settings(getattr(django_settings, NAME, {}))
    return current


def while_settings_hold(
    make: Callable[[Settings, *_Key], _Made],
) -> Callable[[*_Key], _Made]:
    """Remember what a function makes of the settings, until they change.

    Args:
        make: takes the settings and further arguments, which are the key of what is remembered.
            There may be any number of keys; a thousand are remembered, none with a text of more
            than 500 characters: they come from requests, and anybody can send long ones.

    Returns:
        The function, without its first argument.
    """
    kept: tuple[Settings | None, dict[Any, _Made]] = (None, {})

    @wraps(make)
    def look_up(*key: *_Key) -> _Made:
        nonlocal kept
        settings = _loaded or get_settings()
        holds_for, made = kept
        if holds_for is not settings:
            made = {}
            kept = (settings, made)
        found = made.get(key)
        if found is None:
            found = make(settings, *key)
            if any(isinstance(part, str) and len(part) > _LONGEST_KEPT for part in key):
                return found
            if len(made) >= _KEPT:
                made.clear()
            made[key] = found
        return found

    return look_up


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
    if made.USERNAME.MIN_LENGTH > made.USERNAME.MAX_LENGTH:
        raise ImproperJazzAuthSettings(
            f'{NAME}["USERNAME"]: MIN_LENGTH is above MAX_LENGTH, so no name would do.'
        )
    for hook in made.HOOKS:
        if hook not in _HOOKS:
            raise ImproperJazzAuthSettings(_unknown(hook, _HOOKS, f'{NAME}["HOOKS"]'))
    if made.BASE_URL is not None and not made.BASE_URL.startswith(("https://", "http://")):
        raise ImproperJazzAuthSettings(
            f'{NAME}["BASE_URL"] must begin with https:// (or http:// during development).'
        )
    return made


@sensitive_variables()
def _checked(given: Any, group: type[Group], where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ImproperJazzAuthSettings(f"{where} must be a dict, not {type(given).__name__}.")
    allowed = group.__struct_fields__
    for key in given:
        if key not in allowed:
            raise ImproperJazzAuthSettings(_unknown(str(key), allowed, where))
    hints = _hints(group)
    return {key: _converted(value, hints[key], f'{where}["{key}"]') for key, value in given.items()}


def _unknown(key: str, allowed: tuple[str, ...], where: str) -> str:
    near = get_close_matches(key, allowed, n=1) or get_close_matches(key.upper(), allowed, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return (
        f'{where}["{key}"] is not a setting.{hint} '
        f"Remove or rename it; {where} takes: {', '.join(allowed)}."
    )


@sensitive_variables()
def _converted(value: Any, hint: Any, where: str) -> Any:
    if isinstance(hint, type) and issubclass(hint, Group):
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
def _hints(group: type[Group]) -> dict[str, Any]:
    return get_type_hints(group, include_extras=True)


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _loaded
    # The URLs decide what some rules apply to.
    if setting in (NAME, "SECRET_KEY", "ROOT_URLCONF"):
        _loaded = None


setting_changed.connect(_forget, dispatch_uid="jazzauth.conf")
