"""What the doctor notes down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ``error`` makes the exit status 1.
        subject: what was looked at, a short stable name such as ``keys.secret``.
        detail: what was found. Never a secret.
        mend: what to do about it; empty where nothing need be done.
    """

    level: Level
    subject: str
    detail: str
    mend: str = ""


@dataclass(slots=True)
class Checkup:
    """All findings, in the order in which things were looked at."""

    findings: list[Finding] = field(default_factory=list)

    def ok(self, subject: str, detail: str) -> None:
        """Note something that is in order."""
        self.findings.append(Finding("ok", subject, detail))

    def warn(self, subject: str, detail: str, mend: str) -> None:
        """Note something that works, but should be otherwise."""
        self.findings.append(Finding("warning", subject, detail, mend))

    def error(self, subject: str, detail: str, mend: str) -> None:
        """Note something that is wrong."""
        self.findings.append(Finding("error", subject, detail, mend))

    @property
    def errors(self) -> int:
        """How many things are wrong."""
        return sum(finding.level == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many things should be otherwise."""
        return sum(finding.level == "warning" for finding in self.findings)
