"""Where the worker secret comes from: the settings, a file, the environment."""

from __future__ import annotations

import os
from typing import Any

from django.core.signals import setting_changed
from django.views.decorators.debug import sensitive_variables

from ..conf import NAME, ImproperJazzAuthSettings, get_settings
from ..errors import ImproperSecret
from .secret import WorkerSecret

ENV_SECRET = "JAZZAUTH_WORKER_SECRET"  # noqa: S105 - a name
ENV_FILE = "JAZZAUTH_WORKER_SECRET_FILE"

_MAX_FILE = 4096

_loaded: WorkerSecret | None = None


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
    settings = get_settings()
    sources = (
        (f'{NAME}["WORKER_SECRET"]', settings.WORKER_SECRET, False),
        (f'{NAME}["WORKER_SECRET_FILE"]', settings.WORKER_SECRET_FILE, True),
        (f"environment variable {ENV_SECRET}", os.environ.get(ENV_SECRET), False),
        (f"environment variable {ENV_FILE}", os.environ.get(ENV_FILE), True),
    )
    for where, value, is_file in sources:
        if not value:
            continue
        text = _read(value, where) if is_file else value
        try:
            return WorkerSecret.from_text(text)
        except ImproperSecret as error:
            place = f"{where} (file {value})" if is_file else where
            raise ImproperSecret(f"{place}: {error}") from None
    raise ImproperJazzAuthSettings(
        "There is no worker secret, so nothing can be sealed or opened. Run `manage.py jazzauth "
        f'init` to make one, then set {NAME}["WORKER_SECRET_FILE"] or the environment variable '
        f"{ENV_SECRET}."
    )


@sensitive_variables()
def _read(path: str, where: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_FILE).decode("ascii")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ImproperJazzAuthSettings(
            f"{where} names {path}, which cannot be read ({reason}). Mend the path or its "
            "permissions, or run `manage.py jazzauth init` to make a new secret."
        ) from None
    except UnicodeDecodeError:
        raise ImproperSecret(f"{where} names {path}, which is not a text file.") from None


def _forget(*, setting: str, **kwargs: Any) -> None:
    global _loaded
    if setting == NAME:
        _loaded = None


setting_changed.connect(_forget, dispatch_uid="jazzauth.keys.source")
