"""Where the worker secret comes from: the settings, a file, the environment."""

from __future__ import annotations

import os
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from ..conf import NAME, ImproperJazzAuthSettings, get_settings
from .provider import KeyProvider
from .providers import ENV_FILE as ENV_FILE
from .providers import ENV_SECRET as ENV_SECRET
from .providers import read_secret_file, secret_from
from .secret import WorkerSecret

_loaded: WorkerSecret | None = None
_provider: KeyProvider | None = None


def key_provider() -> KeyProvider:
    """What holds the private keys of this process's worker.

    A class that ``JAZZAUTH["KEY_PROVIDER"]`` names, made with ``JAZZAUTH["KEY_PROVIDER_OPTIONS"]``;
    otherwise the worker secret itself, see :func:`worker_secret`.

    Raises:
        ImproperSettings: there is no such class, it does not take these options, or there is no
            worker secret.
        ImproperSecret: what is set was mistyped.
    """
    global _provider
    made = _provider
    if made is None:
        made = _provider = _make()
    return made


@sensitive_variables()
def _make() -> KeyProvider:
    settings = get_settings()
    path = settings.KEY_PROVIDER
    if path is None:
        return worker_secret()
    where = f'{NAME}["KEY_PROVIDER"]'
    try:
        provider = import_string(path)
    except ImportError as error:
        raise ImproperJazzAuthSettings(f"{where}: {error}.") from None
    try:
        made: KeyProvider = provider(**settings.KEY_PROVIDER_OPTIONS)
    except TypeError as error:
        # Python names the options in it, not their values.
        raise ImproperJazzAuthSettings(
            f'{NAME}["KEY_PROVIDER_OPTIONS"] does not fit {path}: {error}.'
        ) from None
    return made


def worker_secret() -> WorkerSecret:
    """The worker secret of this process.

    The first that is set counts: ``JAZZAUTH["WORKER_SECRET"]``, ``JAZZAUTH["WORKER_SECRET_FILE"]``,
    the environment variables ``JAZZAUTH_WORKER_SECRET`` and ``JAZZAUTH_WORKER_SECRET_FILE``. It is
    never made up: data sealed under a secret that nobody keeps would be lost at the next start.

    Raises:
        ImproperSettings: none is set, or the file cannot be read.
        ImproperSecret: what is set was mistyped; says where it was found and what is wrong.
    """
    global _loaded
    loaded = _loaded
    if loaded is None:
        loaded = _loaded = _find()
    return loaded


@sensitive_variables()
def _find() -> WorkerSecret:
    for where, value, is_file in _sources():
        text = read_secret_file(value, where) if is_file else value
        return secret_from(text, f"{where} (file {value})" if is_file else where)
    raise ImproperJazzAuthSettings(
        "There is no worker secret, so nothing can be sealed or opened. Run `manage.py jazzauth "
        f'init` to make one, then set {NAME}["WORKER_SECRET_FILE"] or the environment variable '
        f"{ENV_SECRET}."
    )


def overruled_sources() -> list[str]:
    """Where else a worker secret is set, besides the place that counts; names, never values."""
    first = 0 if get_settings().KEY_PROVIDER is not None else 1
    return [where for where, _, _ in _sources()[first:]]


def _sources() -> list[tuple[str, str, bool]]:
    """Where a secret is set, the first counts: the name of the place, what it says, if a file."""
    settings = get_settings()
    places = (
        (f'{NAME}["WORKER_SECRET"]', settings.WORKER_SECRET, False),
        (f'{NAME}["WORKER_SECRET_FILE"]', settings.WORKER_SECRET_FILE, True),
        (f"environment variable {ENV_SECRET}", os.environ.get(ENV_SECRET), False),
        (f"environment variable {ENV_FILE}", os.environ.get(ENV_FILE), True),
    )
    return [(where, value, is_file) for where, value, is_file in places if value]


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _loaded, _provider
    if setting == NAME:
        _loaded = _provider = None


setting_changed.connect(_forget, dispatch_uid="jazzauth.keys.source")
