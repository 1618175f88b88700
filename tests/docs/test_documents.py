"""The documentation says what is true, and its samples run."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from django_jazzauth import conf
from django_jazzauth.keys.secret import WorkerSecret

from .documents import DOCS, ROOT, Project, blocks, setup_of

PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
FOLLOWED = [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))]


Setups = Callable[[str], Path]


@pytest.fixture(scope="session")
def setups(tmp_path_factory: pytest.TempPathFactory) -> Setups:
    """Makes what pages begin with, once."""

    @cache
    def make(setup: str) -> Path:
        directory = tmp_path_factory.mktemp(setup)
        Project(directory).begin(setup)
        return directory

    return make


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", FOLLOWED, ids=_name)
def test_a_reader_can_follow(page: Path, tmp_path: Path, setups: Setups) -> None:
    setup = setup_of(page)
    if setup:
        shutil.copytree(setups(setup), tmp_path, dirs_exist_ok=True)
    Project(tmp_path).follow(page)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_samples_are_python(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            ast.parse(block.text, filename=f"{page.name}:{block.line}")


class _AnyPath:
    """Stands for the paths that a sample of settings puts together."""

    def __truediv__(self, other: str) -> str:
        return other


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_samples_of_settings_are_accepted(page: Path) -> None:
    for block in blocks(page):
        if block.language != "python":
            continue
        for statement in ast.parse(block.text).body:
            if not isinstance(statement, ast.Assign):
                continue
            if [ast.unparse(target) for target in statement.targets] != [conf.NAME]:
                continue
            names: dict[str, Any] = {
                "BASE_DIR": _AnyPath(),
                "WorkerSecret": WorkerSecret,
                conf.NAME: {},
            }
            conf.read_settings(eval(ast.unparse(statement.value), names))
