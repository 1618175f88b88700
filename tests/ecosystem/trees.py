"""The two trees of each distribution: as its authors made it, and with our models in it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from .fetch import Pin, unpack
from .patches import django_migrations, django_models, suites
from .places import HERE, ROOT, TREES

Tree = Literal["stock", "ours"]
TREE_NAMES: tuple[Tree, ...] = ("stock", "ours")

_STAMP = ".jazz_ecosystem_stamp"
_Edit = Callable[[Path], None]

# Edits of both trees: only where to find the database.
_COMMON: dict[str, tuple[_Edit, ...]] = {
    "django": (),
    "drf": (suites.drf_database,),
    "allauth": (suites.allauth_database,),
    "simplejwt": (suites.simplejwt_database,),
}


def _edit_django(tree: Path) -> None:
    # A link, so that subprocesses which some tests start with a path of their own find it too.
    (tree / "django_jazzauth").symlink_to(ROOT / "django_jazzauth")
    django_models.seal_user(tree / "django")
    django_models.replace_sessions(tree / "django")
    suites.available_apps(tree / "django")
    suites.system_checks(tree / "django")
    suites.runtests(tree / "tests")


_OURS: dict[str, tuple[_Edit, ...]] = {
    "django": (_edit_django,),
    "drf": (suites.drf_app,),
    "allauth": (suites.allauth_app,),
    "simplejwt": (suites.simplejwt_app,),
}


def tree_path(tree: Tree, name: str) -> Path:
    """Where a distribution is unpacked: ``var/ecosystem/trees/<tree>/<name>``."""
    return TREES / tree / name


def prepare(tree: Tree, pin: Pin) -> Path:
    """Unpack and edit a distribution, unless that was done by the same code before."""
    path = tree_path(tree, pin.name)
    stamp = path / _STAMP
    expected = stamp_of(pin)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != expected:
        shutil.rmtree(path, ignore_errors=True)
        unpack(pin, path)
        for edit in _COMMON[pin.name] + (_OURS[pin.name] if tree == "ours" else ()):
            edit(path)
        stamp.write_text(expected, encoding="utf-8")
    if tree == "ours" and pin.name == "django":
        # Every time: what the sealed fields write into a migration may have changed.
        django_migrations.rewrite_migrations(path)
    return path


def stamp_of(pin: Pin) -> str:
    """Digest of everything that decides what a tree looks like."""
    digest = hashlib.sha256(pin.sha256.encode())
    for source in sorted([HERE / "trees.py", *(HERE / "patches").glob("*.py")]):
        digest.update(source.read_bytes())
    return digest.hexdigest()
