"""The recorded lines that our answers do not match, each with the reason. There are no others.

``docs/compatibility.md`` shows this table; ``test_every_line`` checks that every other line is
replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..api.transcripts import FOLDER, Exchange, area


@dataclass(frozen=True)
class Unmatched:
    """Lines of one transcript.

    Attributes:
        area: name of the transcript.
        flow: without the area.
        steps: names of the lines.
        there: what Better Auth answers.
        here: what we answer.
        why: the reason for the difference.
    """

    area: str
    flow: str
    steps: tuple[str, ...]
    there: str
    here: str
    why: str

    def matches(self, exchange: Exchange) -> bool:
        """Whether ``exchange`` is one of the lines."""
        return exchange.flow == f"{self.area}.{self.flow}" and exchange.step in self.steps


UNMATCHED = (
    Unmatched(
        "core",
        "sign-up",
        ("empty body with JSON type", "no body, no content type"),
        "500, empty",
        "400 `VALIDATION_ERROR`",
        "a fault of the username plugin, which the reference says not to copy",
    ),
    Unmatched(
        "core",
        "sign-up",
        ("role in sign-up body",),
        "400 `FIELD_NOT_ALLOWED`",
        "the member is ignored, as any unknown one",
        "`role` is a field of the admin plugin",
    ),
    Unmatched(
        "core",
        "update-user",
        ("role refused",),
        "400 `FIELD_NOT_ALLOWED`",
        "the member is ignored, as any unknown one",
        "`role` is a field of the admin plugin",
    ),
    Unmatched(
        "core",
        "reset-password",
        ("old path of the request",),
        "404",
        "the same as `/request-password-reset`",
        "older clients and lists of paths name it",
    ),
    Unmatched(
        "core",
        "accounts",
        ("unlink in the 1.4 body form", "get-access-token in the 1.4 body form"),
        "400 `VALIDATION_ERROR`",
        "accepted",
        "clients of 1.4 send them",
    ),
    Unmatched(
        "social",
        "generic provider",
        ("1.4 path",),
        "404",
        "the same as `/sign-in/social`",
        "clients of 1.4 call it",
    ),
    Unmatched(
        "social",
        "linking",
        ("1.4 path of linking",),
        "404",
        "the same as `/link-social`",
        "clients of 1.4 call it",
    ),
    Unmatched(
        "social",
        "one-tap",
        ("bad token", "missing token"),
        "400",
        "404",
        "Google's one-tap is a plugin that we do not have",
    ),
    Unmatched(
        "open-api",
        "open-api",
        ("generate-schema", "reference page"),
        "a document and a page of Better Auth's",
        "a document and a page of our own",
        "ours declares more; `tests/openapi` compares the document's outline",
    ),
    Unmatched(
        "rate-limit",
        "two-factor rule",
        tuple(f"attempt {n}" for n in range(1, 5)),
        "401, then 429",
        "404",
        "paths of the two-factor plugin",
    ),
)


def reason(exchange: Exchange) -> Unmatched | None:
    """Why a line is not matched; ``None`` when it has to be."""
    return next((entry for entry in UNMATCHED if entry.matches(exchange)), None)


def areas() -> list[str]:
    """Every transcript that the tests have."""
    return sorted(file.stem for file in FOLDER.glob("*.jsonl"))


def http_lines(name: str) -> Iterator[Exchange]:
    """The HTTP exchanges of a transcript; those with the identity provider count, too."""
    return (exchange for exchange in area(name) if exchange.is_http)
