"""What is served is what the sources make; the sources agree with the Python side."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .server import ROOT

FRONTEND = ROOT / "example_project/frontend"
SERVED = ROOT / "example_project/static/example_project"
BUILT = ("page.js", "page.css", "licenses.txt")

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (FRONTEND / "node_modules/esbuild").is_dir(),
    reason="needs Node, and `npm ci` in example_project/frontend",
)


def node(*arguments: str) -> None:
    command = ["node", "--no-warnings", *arguments]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
def test_the_bundle_is_what_the_sources_make(tmp_path: Path) -> None:
    node("build.mjs", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(BUILT)
    for name in BUILT:
        same = (tmp_path / name).read_bytes() == (SERVED / name).read_bytes()
        assert same, f"{name} is not what the sources make: run `make frontend`"


@needs_node
def test_identity_and_phrase_in_javascript() -> None:
    """Jazz's vectors, by Node's own test runner."""
    node("--test", "tests/")


def test_the_tutorial_shows_the_code_that_runs() -> None:
    sources = "\n".join(path.read_text() for path in sorted(FRONTEND.glob("src/*.js")))
    page = (ROOT / "docs/tutorial-browser.md").read_text()
    shown = re.findall(r"^```js\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) > 4
    assert [block for block in shown if block not in sources] == []


def test_the_lock_names_no_place_to_fetch_from() -> None:
    packages = json.loads((FRONTEND / "package-lock.json").read_text())["packages"]
    assert len(packages) > 5
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")


def test_modules_are_small() -> None:
    for path in FRONTEND.rglob("src/*.js"):
        assert len(path.read_text().splitlines()) < 200, path.name


def test_the_page_loads_nothing_from_elsewhere() -> None:
    template = ROOT / "example_project/templates/example_project/page.html"
    for path in (template, SERVED / "page.css"):
        assert not re.search(r"https?://", path.read_text()), path.name
