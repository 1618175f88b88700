"""Which releases of what this runs on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from cryptography.hazmat.backends.openssl import backend

from .findings import Checkup

_NEEDED = ("django-jazzauth", "Django", "djangorestframework", "cryptography", "msgspec", "PyJWT")
_DRIVERS = ("psycopg", "mysqlclient", "PyMySQL")


def look_at_versions(checkup: Checkup) -> None:
    """Python, the packages, OpenSSL, and the database drivers that are there."""
    checkup.ok("versions.python", f"Python {platform.python_version()}, {platform.platform()}")
    for name in (*_NEEDED, *_DRIVERS):
        try:
            checkup.ok(f"versions.{name.lower()}", f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    checkup.ok("versions.openssl", backend.openssl_version_text())
