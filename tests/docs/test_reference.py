"""Everything that programs may rely on is in the reference."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from django_jazzauth.management.subcommands import SUBCOMMANDS

from . import generated
from .documents import DOCS, ROOT

PACKAGE = ROOT / "django_jazzauth"
_RENEW = "Run `python -m tests.docs --write` and look at what it changed."


@pytest.mark.parametrize("page", generated.PARTS, ids=lambda page: page.name)
def test_what_is_taken_from_the_code_is_up_to_date(page: Path) -> None:
    assert generated.made(page) == page.read_text(), _RENEW


def test_every_setting_is_documented() -> None:
    text = (DOCS / "reference" / "settings.md").read_text()
    for path, group in generated.groups():
        assert path in text
        described = generated.descriptions(group)
        for key in group.__struct_fields__:
            assert f"| `{key}` |" in text
            assert described.get(key) or not described, f"{path}: the docstring forgets {key}"


def test_every_error_code_is_documented() -> None:
    generated.import_all()
    text = (DOCS / "reference" / "errors.md").read_text()
    for cls in generated.error_classes():
        code = cls.code  # type: ignore[attr-defined]
        assert f"`{code}`" in text, f"{cls.__name__}: {code}"


def test_every_check_is_documented() -> None:
    used = {
        id_
        for file in PACKAGE.rglob("*.py")
        for id_ in re.findall(r"jazzauth\.[EW]\d{3}", file.read_text())
    }
    assert used == set(generated.check_hints())
    assert not used - set(generated.check_texts()), "say in the module's docstring what it means"


def test_every_problem_that_verify_reports_is_documented() -> None:
    sources = [*(PACKAGE / "store").glob("verify*.py"), PACKAGE / "sealed" / "row_checks.py"]
    used = {
        code for file in sources for code in re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', file.read_text())
    }
    documented = (DOCS / "reference" / "errors.md").read_text()
    assert used
    assert not [code for code in used if f"| `{code}` |" not in documented]


def test_every_command_is_documented() -> None:
    documented = (DOCS / "reference" / "commands.md").read_text()
    assert re.findall(r"^## `jazzauth ([\w-]+)`", documented, re.MULTILINE) == list(SUBCOMMANDS)


@pytest.mark.parametrize("name", ["sealed", "store", "identity", "models", "admin"])
def test_every_public_name_is_documented(name: str) -> None:
    module = importlib.import_module(f"django_jazzauth.{name}")
    documented = (DOCS / "reference" / "python.md").read_text()
    missing = [public for public in module.__all__ if not re.search(rf"\b{public}\b", documented)]
    assert not missing
