"""Getting the pinned source distributions, and what their tests need, through pip."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .places import DOWNLOADS, HERE, SITE

_MARK = ".requirements.sha256"


class FetchError(Exception):
    """A download failed or is not what the pins say."""


@dataclass(frozen=True)
class Pin:
    """A source distribution.

    Attributes:
        name: the short name used here.
        requirement: its name for pip.
        version: its version.
        sha256: digest of the file, hex.
    """

    name: str
    requirement: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the downloaded file is kept."""
        return DOWNLOADS / f"{self.requirement}-{self.version}.tar.gz"


def read_pins(path: Path = HERE / "pins.toml") -> dict[str, Pin]:
    """The pins by short name."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: Pin(name=name, **values) for name, values in table.items()}


def download(pin: Pin) -> Path:
    """Make sure that the file is there and is the pinned one.

    Raises:
        FetchError: pip cannot get it, or its digest is another.
    """
    if not pin.path.exists():
        DOWNLOADS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=DOWNLOADS) as folder:
            requirements = Path(folder, "requirements.txt")
            requirements.write_text(
                f"{pin.requirement}=={pin.version} --hash=sha256:{pin.sha256}\n", encoding="utf-8"
            )
            # pip looks at the metadata, for which it builds in an environment of its own: the
            # build tools that the file asks for may be newer than ours.
            _pip("download", "--no-deps", "--no-binary", pin.requirement, "--dest", folder,
                 "--require-hashes", "--requirement", str(requirements))  # fmt: skip
            found = list(Path(folder).glob("*.tar.gz"))
            if len(found) != 1:
                raise FetchError(f"pip gave no source distribution of {pin.requirement}")
            found[0].rename(pin.path)
    if hashlib.sha256(pin.path.read_bytes()).hexdigest() != pin.sha256:
        raise FetchError(f"{pin.path} is not the pinned file; delete it and try again")
    return pin.path


def unpack(pin: Pin, target: Path) -> None:
    """Unpack the distribution so that ``target`` is its top folder; ``target`` must not exist."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with tarfile.open(download(pin)) as archive:
            archive.extractall(folder, filter="data")
        (top,) = Path(folder).iterdir()
        top.rename(target)


def install_requirements() -> None:
    """Install what the suites need beside the project's environment, into a folder of its own."""
    requirements = HERE / "requirements.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    mark = SITE / _MARK
    if mark.exists() and mark.read_text(encoding="utf-8") == digest:
        return
    SITE.mkdir(parents=True, exist_ok=True)
    _pip("install", "--no-deps", "--upgrade", "--target", str(SITE),
         "--require-hashes", "--requirement", str(requirements))  # fmt: skip
    mark.write_text(digest, encoding="utf-8")


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchError(f"pip {arguments[0]} failed:\n{done.stdout}{done.stderr}")
