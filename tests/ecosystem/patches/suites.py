"""Edits of the suites: which database to use, and our app among the installed ones."""

from __future__ import annotations

from pathlib import Path

from .editing import replace

ALLAUTH_PROJECTS = ("regular", "headless_only", "account_only", "login_required_mw")


def runtests(tests: Path) -> None:
    """Django's runner: our app is always installed, and made without migrations like auth."""
    path = tests / "runtests.py"
    last = '    "django.contrib.staticfiles",\n]\n'
    replace(path, last, last.replace("]", '    "django_jazzauth",\n]'))
    unmigrated = '        "sessions": None,\n'
    replace(path, unmigrated, unmigrated + '        "django_jazzauth": None,\n')


def available_apps(django: Path) -> None:
    """``TransactionTestCase.available_apps`` never separates our app from users and sessions.

    Django's flush then empties the tables of the named apps only; one that empties the users'
    table has to empty the log and the keyring as well, as it does in a project whose tests do
    not restrict the apps.
    """
    check = "        if not available.issubset(installed):\n"
    ours = (
        '        if available & {"django.contrib.auth", "django.contrib.sessions"}:\n'
        '            available |= installed & {"django_jazzauth"}\n'
    )
    replace(django / "apps" / "registry.py", check, ours + check)


def system_checks(django: Path) -> None:
    """Our system checks keep silent while Django's own tests run.

    Tests that look at the outcome of all checks expect none but their own, and ours have something
    to say about the settings that those tests use.
    """
    registry = django / "core" / "checks" / "registry.py"
    every = "        checks = list(self.registered_checks)\n"
    ours = """\
        if os.environ.get("RUNNING_DJANGOS_TEST_SUITE"):
            checks = [c for c in checks if not c.__module__.startswith("django_jazzauth")]
"""
    replace(registry, every, every + ours)
    replace(registry, "from collections.abc", "import os\nfrom collections.abc")


def drf_database(tree: Path) -> None:
    """DRF: the run's database."""
    conftest = tree / "tests" / "conftest.py"
    replace(
        conftest,
        "    settings.configure(\n",
        "    from jazz_ecosystem_env import databases as databases_of_run\n"
        "    databases = databases_of_run('default', 'secondary')\n"
        "    settings.configure(\n",
    )


def drf_app(tree: Path) -> None:
    """DRF: our app and its settings."""
    conftest = tree / "tests" / "conftest.py"
    replace(
        conftest,
        "            'rest_framework',\n",
        "            'django_jazzauth',\n            'rest_framework',\n",
    )
    replace(
        conftest,
        "    settings.configure(\n",
        "    from jazz_ecosystem_env import jazzauth\n"
        "    settings.configure(\n        JAZZAUTH=jazzauth(),\n",
    )


def simplejwt_database(tree: Path) -> None:
    """SimpleJWT: the run's database."""
    conftest = tree / "tests" / "conftest.py"
    replace(
        conftest,
        '        DATABASES={\n            "default": {"ENGINE": "django.db.backends.sqlite3", '
        '"NAME": ":memory:"},\n            "other": {"ENGINE": "django.db.backends.sqlite3", '
        '"NAME": "other"},\n        },\n',
        '        DATABASES=databases("default", "other"),\n',
    )
    replace(
        conftest,
        "    settings.configure(\n",
        "    from jazz_ecosystem_env import databases\n\n    settings.configure(\n",
    )


def simplejwt_app(tree: Path) -> None:
    """SimpleJWT: our app and its settings."""
    conftest = tree / "tests" / "conftest.py"
    replace(conftest, '            "rest_framework",\n',
            '            "django_jazzauth",\n            "rest_framework",\n')  # fmt: skip
    replace(
        conftest,
        "    settings.configure(\n",
        "    from jazz_ecosystem_env import jazzauth\n\n"
        "    settings.configure(\n        JAZZAUTH=jazzauth(),\n",
    )


def allauth_database(tree: Path) -> None:
    """allauth: the run's database, in each of its test projects."""
    for project in ALLAUTH_PROJECTS:
        with (_allauth_settings(tree, project)).open("a", encoding="utf-8") as settings:
            settings.write(
                "\n\nfrom jazz_ecosystem_env import databases  # noqa\n\n"
                'DATABASES = databases("default")\n'
            )


def allauth_app(tree: Path) -> None:
    """allauth: our app and its settings, in each of its test projects."""
    for project in ALLAUTH_PROJECTS:
        with (_allauth_settings(tree, project)).open("a", encoding="utf-8") as settings:
            settings.write(
                "\n\nfrom jazz_ecosystem_env import jazzauth  # noqa\n\n"
                'INSTALLED_APPS = ("django_jazzauth", *INSTALLED_APPS)\n'
                "JAZZAUTH = jazzauth()\n"
            )


def _allauth_settings(tree: Path, project: str) -> Path:
    return tree / "tests" / "projects" / project / "settings.py"
