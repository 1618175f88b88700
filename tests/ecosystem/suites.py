"""The suites: which distribution, which tests, which command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .patches.suites import ALLAUTH_PROJECTS

# Every test app of Django that touches users, sessions or the admin, but for the two that are
# suites of their own.
RELATED_APPS = (
    "admin_autodiscover", "admin_changelist", "admin_checks", "admin_custom_urls",
    "admin_default_site", "admin_docs", "admin_filters", "admin_inlines", "admin_ordering",
    "admin_registration", "admin_scripts", "admin_utils", "admin_views", "admin_widgets",
    "modeladmin", "generic_inline_admin",
    "apps", "async", "check_framework", "contenttypes_tests", "context_processors", "csrf_tests",
    "decorators", "deprecation", "extra_regress", "field_deconstruction", "filtered_relation",
    "fixtures", "fixtures_regress", "flatpages_tests", "forms_tests", "i18n", "m2m_regress",
    "m2m_through_regress", "messages_tests", "middleware", "middleware_exceptions", "migrations",
    "multiple_database", "proxy_models", "redirects_tests", "requests_tests", "servers", "shell",
    "sites_tests", "swappable_models", "template_backends", "template_tests", "test_client",
    "test_client_regress", "test_utils", "timezones", "urlpatterns_reverse", "user_commands",
    "utils_tests", "view_tests",
)  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """One run of tests.

    Attributes:
        name: for the command line and the table.
        distributions: short names of the pins whose trees are on the path, the tested one first.
        build: makes the command from the tested tree, the tests named (none: all) and the number
            of processes.
        default: part of a run that names no suite.
        fast: part of ``--fast``.
    """

    name: str
    distributions: tuple[str, ...]
    build: Callable[[Path, Sequence[str], int], list[str]]
    default: bool = True
    fast: bool = False

    @property
    def tested(self) -> str:
        """Short name of the distribution whose tests these are."""
        return self.distributions[0]


def _runtests(*labels: str) -> Callable[[Path, Sequence[str], int], list[str]]:
    def build(tree: Path, only: Sequence[str], processes: int) -> list[str]:
        return [
            *(sys.executable, str(tree / "tests" / "runtests.py")),
            *("--settings", "jazz_ecosystem_django", "--noinput", "--parallel", str(processes)),
            *(only or labels),
        ]

    return build


def _pytest(*options: str) -> Callable[[Path, Sequence[str], int], list[str]]:
    def build(tree: Path, only: Sequence[str], processes: int) -> list[str]:
        spread = ["-n", str(processes)] if processes > 1 else []
        return [
            *(sys.executable, "-m", "pytest", "-p", "jazz_ecosystem_pytest"),
            *("-p", "no:cacheprovider", "--create-db", "-q", *options, *spread),
            *(only or ["tests"]),
        ]

    return build


SUITES: dict[str, Suite] = {
    suite.name: suite
    for suite in (
        Suite("auth", ("django",), _runtests("auth_tests"), fast=True),
        Suite("sessions", ("django",), _runtests("sessions_tests"), fast=True),
        Suite("admin", ("django",), _runtests(*RELATED_APPS)),
        Suite("drf", ("drf", "django"), _pytest()),
        Suite("simplejwt", ("simplejwt", "drf", "django"), _pytest()),
        *(
            Suite(
                f"allauth-{project}",
                ("allauth", "drf", "django"),
                _pytest(f"--ds=tests.projects.{project}.settings"),
            )
            for project in ALLAUTH_PROJECTS
        ),
        Suite("django", ("django",), _runtests(), default=False),
    )
}
