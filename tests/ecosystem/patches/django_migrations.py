"""Migrations of ``auth`` and ``sessions`` that fit our models.

Django's own tests create these tables without migrations. The other suites migrate, and some
look whether a migration is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from django_jazzauth.keys.secret import WorkerSecret

from .editing import EditError, replace

_EMPTY = '''from django.db import migrations


class Migration(migrations.Migration):
    """Nothing: the first migration already makes the tables as they are now."""

    dependencies = [("{app}", "{previous}")]
'''

_NO_TABLE = '''from django.db import migrations


class Migration(migrations.Migration):
    """Nothing: sessions live in django_jazzauth."""

    initial = True
'''

_SETTINGS = """
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_jazzauth"]
# Ours depend on auth's, which are being made.
MIGRATION_MODULES = {"auth": "jazz_auth_migrations", "django_jazzauth": None}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
SECRET_KEY = "makes migrations only"
"""

# They change nothing of users; a test imports a function of the second.
_KEPT = ("0006_require_contenttypes_0002", "0011_update_proxy_permissions")


def rewrite_migrations(tree: Path) -> None:
    """Make ``auth.0001`` from the sealed models, and empty what Django changed in users later.

    The names stay, since other apps' migrations refer to them.

    Args:
        tree: folder that holds the packages ``django`` and ``django_jazzauth``.
    """
    auth = tree / "django" / "contrib" / "auth" / "migrations"
    names = sorted(path.stem for path in auth.glob("0*.py"))
    first = _make_first(tree)
    # As in Django's own; a test looks at the order that follows from it.
    replace(first, "'0002_remove_content_type_name'", "'__first__'")
    shutil.copy(first, auth / f"{names[0]}.py")
    for previous, name in pairwise(names):
        if name not in _KEPT:
            text = _EMPTY.format(app="auth", previous=previous)
            (auth / f"{name}.py").write_text(text, encoding="utf-8")
    sessions = tree / "django" / "contrib" / "sessions" / "migrations" / "0001_initial.py"
    sessions.write_text(_NO_TABLE, encoding="utf-8")


def _make_first(tree: Path) -> Path:
    made = tree / "jazz_auth_migrations"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    (made / "__init__.py").touch()
    settings = tree / "jazz_makemigrations_settings.py"
    settings.write_text(_SETTINGS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "auth", "--name", "initial"],
        env={
            **os.environ,
            "PYTHONPATH": str(tree),
            "DJANGO_SETTINGS_MODULE": settings.stem,
            "JAZZAUTH_WORKER_SECRET": WorkerSecret.generate().to_text(),
        },
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EditError(f"makemigrations auth failed:\n{done.stdout}{done.stderr}")
    return made / "0001_initial.py"
