"""What ``verify`` says: problems with stable codes, and the report of them."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: a stable name, such as ``CHAIN_BROKEN`` or ``COLUMN_DIFFERS``.
        stream: the entity's stream; empty where no single entity is meant.
        version: the event, or None when the row is meant.
        detail: for people; never a value.
    """

    code: str
    stream: str
    version: int | None
    detail: str


@dataclass(slots=True)
class Report:
    """What ``verify`` found.

    Attributes:
        events: how many were read.
        streams: how many entities they belong to.
        covered: how many of them a checkpoint covers.
        checkpoints: how many checkpoints the log was compared with.
        problems: the first 10,000.
        unlisted: how many more there are.
    """

    events: int = 0
    streams: int = 0
    covered: int = 0
    checkpoints: int = 0
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def found(self, code: str, stream: str, version: int | None, detail: str) -> None:
        """Note a problem."""
        if len(self.problems) < MAX_LISTED:
            self.problems.append(Problem(code, stream, version, detail))
        else:
            self.unlisted += 1

    def add(self, other: Report) -> None:
        """Take over what another report found."""
        self.events += other.events
        self.streams += other.streams
        self.unlisted += other.unlisted
        for problem in other.problems:
            self.found(problem.code, problem.stream, problem.version, problem.detail)
