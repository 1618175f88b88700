"""System checks of what the API is set to do.

``jazzauth.E050``  a provider that is neither known by its name nor has a discovery URL.
``jazzauth.E051``  providers, but Authlib is not installed.
``jazzauth.E052``  proofs are required, and there is no audience that they could be made out to.
``jazzauth.E053``  the API is served, and the user model is not one that it can work with.
``jazzauth.E054``  proofs are required, and the user model's key cannot hold an identity's id.
``jazzauth.W050``  a trusted provider that is not configured.
``jazzauth.W051``  a secret so short that it can be guessed.
``jazzauth.W052``  addresses must be verified, and no mail is sent for it.
``jazzauth.W053``  links in mails lead to whatever host a request names.
``jazzauth.W054``  sessions are stateless, and those that end are not remembered.
``jazzauth.W055``  passwords are hashed outside of the pool that bounds it, with ``DEBUG = False``.
``jazzauth.W056``  middleware before the API's has hooks that requests of the API do not come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import get_hashers
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.module_loading import import_string

from ..conf import NAME, Settings, get_settings
from ..errors import ImproperSettings
from ..hashers import is_pooled
from ..models import AbstractUser
from . import urls
from .proofs import keys_hold_identities
from .social.definitions import DEFINITIONS

# Half of them as hex digits are 128 bits.
_SECRET_LENGTH = 32

_API_MIDDLEWARE = "django_jazzauth.api.middleware.ApiMiddleware"
_HOOKS = ("process_view", "process_exception", "process_template_response")


def check_api_settings(**kwargs: Any) -> list[CheckMessage]:
    """All of them; none where ``jazzauth.E001`` says that the settings cannot be read."""
    try:
        settings = get_settings()
    except ImproperSettings:
        return []
    groups = (_users, _social, _proofs, _secrets, _mails, _hosts, _sessions, _hashers, _middleware)
    return [message for group in groups for message in group(settings)]


def _users(settings: Settings) -> Iterator[CheckMessage]:
    try:
        model: Any = get_user_model()
    except ImproperlyConfigured:
        return  # Django says it
    fits = issubclass(model, AbstractUser) and hasattr(model._default_manager, "sign_up")
    if not fits and _is_served():
        yield Error(
            f"The URLs of django_jazzauth are served, but {model._meta.label} is not a user model "
            "that they can work with: every sign-up and sign-in would fail.",
            hint='Set AUTH_USER_MODEL = "django_jazzauth.User", or derive the model from '
            "django_jazzauth.models.AbstractUser with its manager; or take the URLs out.",
            id="jazzauth.E053",
        )
    elif settings.PROOF.REQUIRED and not keys_hold_identities():
        yield Error(
            f"Nobody can sign up: a proof is required, and the primary key of {model._meta.label} "
            "is a number, which cannot be the id of an identity.",
            hint=f'Give the user model a UUID key, or leave {NAME}["PROOF"]["REQUIRED"] out.',
            id="jazzauth.E054",
        )


def _is_served() -> bool:
    """Whether the project's URLs include those of the API, at whatever depth."""
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return False
    return _includes_api(get_resolver().url_patterns)


def _includes_api(entries: Iterable[URLPattern | URLResolver]) -> bool:
    return any(
        _includes_api(entry.url_patterns)
        if isinstance(entry, URLResolver)
        else entry in urls.core_patterns
        for entry in entries
    )


def _social(settings: Settings) -> Iterator[CheckMessage]:
    providers = settings.SOCIAL.PROVIDERS
    for name, options in providers.items():
        if name not in DEFINITIONS and options.DISCOVERY_URL is None:
            yield Error(
                f"The provider {name!r} is not known, and has no DISCOVERY_URL.",
                hint="Give its DISCOVERY_URL, or one of the names in the guide.",
                id="jazzauth.E050",
            )
    if providers and find_spec("authlib") is None:
        yield Error(
            "Nobody can sign in with a provider: Authlib is not installed.",
            hint="Install django-jazzauth[social].",
            id="jazzauth.E051",
        )
    for name in settings.SOCIAL.TRUSTED_PROVIDERS:
        if name not in providers:
            yield Warning(
                f"The trusted provider {name!r} is not among the PROVIDERS.",
                hint=f'Correct {NAME}["SOCIAL"]["TRUSTED_PROVIDERS"].',
                id="jazzauth.W050",
            )


def _proofs(settings: Settings) -> Iterator[CheckMessage]:
    if settings.PROOF.REQUIRED and not (settings.PROOF.AUDIENCE or settings.APP_ID):
        yield Error(
            "Nobody can sign up: a proof is required, and nothing says whom it must be made for.",
            hint=f'Set {NAME}["APP_ID"], or {NAME}["PROOF"]["AUDIENCE"].',
            id="jazzauth.E052",
        )


def _secrets(settings: Settings) -> Iterator[CheckMessage]:
    secrets = {
        f'{NAME}["SECRET"]': settings.SECRET,
        f'{NAME}["JAZZ"]["BACKEND_SECRET"]': settings.JAZZ.BACKEND_SECRET,
    }
    for where, secret in secrets.items():
        if secret is not None and len(secret) < _SECRET_LENGTH:
            yield Warning(
                f"{where} has fewer than {_SECRET_LENGTH} characters.",
                hint="Make one with Python's secrets.token_urlsafe(32).",
                id="jazzauth.W051",
            )


def _mails(settings: Settings) -> Iterator[CheckMessage]:
    options = settings.EMAIL_VERIFICATION
    if options.REQUIRED and not options.ENABLED:
        yield Warning(
            "Nobody who signs up can sign in: addresses must be verified, and no mail is sent.",
            hint=f'Set {NAME}["EMAIL_VERIFICATION"]["ENABLED"] = True.',
            id="jazzauth.W052",
        )


def _hosts(settings: Settings) -> Iterator[CheckMessage]:
    if settings.BASE_URL is None and "*" in django_settings.ALLOWED_HOSTS:
        yield Warning(
            "Links in mails, a reset's too, lead to whatever host a request names.",
            hint=f'Set {NAME}["BASE_URL"], or name the hosts in ALLOWED_HOSTS.',
            id="jazzauth.W053",
        )


def _sessions(settings: Settings) -> Iterator[CheckMessage]:
    if settings.SESSION.STATELESS and not settings.SESSION.COOKIE_CACHE.REVOKE_AT_ONCE:
        yield Warning(
            "Signing out and revoking end no stateless session elsewhere: nothing remembers them.",
            hint=f'Set {NAME}["SESSION"]["COOKIE_CACHE"]["REVOKE_AT_ONCE"] = True.',
            id="jazzauth.W054",
        )


def _hashers(settings: Settings) -> Iterator[CheckMessage]:
    if django_settings.DEBUG or not _is_served():
        return
    for hasher in get_hashers():
        if not is_pooled(hasher):
            yield Warning(
                f"{type(hasher).__name__} hashes where requests are answered: nothing keeps a "
                "storm of sign-ins from taking every thread.",
                hint="Name a hasher of django_jazzauth.hashers in PASSWORD_HASHERS, or put its "
                "`pooled` around encode and verify of your own.",
                id="jazzauth.W055",
            )
            return


def _middleware(settings: Settings) -> Iterator[CheckMessage]:
    listed = list(django_settings.MIDDLEWARE)
    if _API_MIDDLEWARE not in listed:
        return
    for name in listed[: listed.index(_API_MIDDLEWARE)]:
        try:
            made = import_string(name)
        except ImportError:
            continue  # Django says it
        missed = [hook for hook in _HOOKS if hasattr(made, hook)]
        if missed:
            yield Warning(
                f"{name} stands before ApiMiddleware, but Django does not call its "
                f"{' and '.join(missed)} for requests of the API.",
                hint="If it is needed there, put ApiMiddleware before it and its work elsewhere, "
                "or do without ApiMiddleware; if not, silence this check.",
                id="jazzauth.W056",
            )
