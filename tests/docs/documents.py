"""Runs what a page of the documentation tells its readers to do.

A fenced block is run when a comment before it says how:

* ``<!-- file: PATH -->``, ``<!-- append: PATH -->``: write it.
* ``<!-- run -->``: run the lines that begin with ``$``; other lines are what they print. With
  ``<!-- run: fails -->`` the last command must fail.
* ``pycon`` blocks need no comment: their answers are compared, in the project's own settings.

``<!-- setup -->`` in a page begins with the tutorial's project, ``<!-- setup: data -->`` with its
models and their first rows as well.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
# The sections of the tutorial in which what a page begins with is complete.
_SETUPS = {"project": "## 3.", "data": "## 5."}
_SETUP = re.compile(r"^<!-- setup(?:: (?P<what>\w+))? -->$", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<order>\w+)(?:: (?P<detail>[^>]+?))? -->\n *)?"
    r"```(?P<language>[\w{}]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL
_RUNNER = """
import doctest, sys, warnings
from pathlib import Path
warnings.simplefilter("error")
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", {settings!r})
import django
django.setup()
import logging
logging.disable(logging.WARNING)
text = Path(sys.argv[1]).read_text()
flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
test = doctest.DocTestParser().get_doctest(text, {{}}, "page", "page", 0)
runner = doctest.DocTestRunner(optionflags=flags)
runner.run(test)
sys.exit(1 if runner.failures else 0)
"""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: what stands behind the fence.
        text: its lines, without indentation.
        order: what the comment before it says, if there is one.
        detail: what it says behind the colon.
        line: where the block begins.
    """

    language: str
    text: str
    order: str | None
    detail: str | None
    line: int


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    document = page.read_text()
    for match in _BLOCK.finditer(document):
        text = re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        line = document.count("\n", 0, match.start("text"))
        yield Block(match["language"], text, match["order"], match["detail"], line)


def setup_of(page: Path) -> str | None:
    """What the page begins with: ``project``, ``data`` or nothing."""
    wanted = _SETUP.search(page.read_text())
    return (wanted["what"] or "project") if wanted else None


class Project:
    """A project of its own, in which a page is followed."""

    def __init__(self, directory: Path, settings: str = "config.settings") -> None:
        self.directory = directory
        self.settings = settings
        binaries = Path(sys.executable).parent
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("JAZZAUTH_", "DJANGO_", "PYTEST_", "COV_"))
        } | {
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}",
        }

    def begin(self, setup: str) -> None:
        """Follow the tutorial until what a page begins with is there.

        Args:
            setup: what ``setup_of`` says.
        """
        tutorial = TUTORIAL.read_text()
        self.follow(TUTORIAL, tutorial.count("\n", 0, tutorial.index(f"\n{_SETUPS[setup]}")))

    def follow(self, page: Path, last_line: int | None = None) -> None:
        """Do what the page says.

        Args:
            page: the page.
            last_line: stop there.

        Raises:
            AssertionError: something else came of it.
        """
        for block in blocks(page):
            if last_line is not None and block.line > last_line:
                return
            where = f"{page.name}:{block.line}"
            if block.order in ("file", "append") and block.detail:
                self._write(self.directory / block.detail, block)
            elif block.order == "run":
                self._console(where, block)
            elif block.language == "pycon":
                self._session(where, block.text)

    def _write(self, path: Path, block: Block) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if block.order == "append" else "w") as file:
            file.write(f"\n{block.text}" if block.order == "append" else block.text)

    def _console(self, where: str, block: Block) -> None:
        commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
        for number, command in enumerate(commands, 1):
            line, _, wanted = command.partition("\n")
            done = self.run(line)
            fails = block.detail == "fails" and number == len(commands)
            assert (done.returncode != 0) == fails, f"{where}: {line}\n{done.stdout}{done.stderr}"
            checker = doctest.OutputChecker()
            assert not wanted or checker.check_output(wanted, done.stdout, _OPTIONS), (
                f"{where}: {line}\nwanted:\n{wanted}\ngot:\n{done.stdout}"
            )

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a command, without a shell."""
        return subprocess.run(
            shlex.split(line),
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _session(self, where: str, text: str) -> None:
        runner, page = self.directory / "_runner.py", self.directory / "_page.txt"
        runner.write_text(_RUNNER.format(settings=self.settings))
        page.write_text(text)
        done = self.run(f"python {runner} {page}")
        assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
