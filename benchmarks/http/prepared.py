"""What is written down about a filled database, beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True)
class Prepared:
    """What a run has to know.

    Attributes:
        fingerprint: of the tables and the people, as the release made them that filled it.
        sessions: ``Cookie`` header and bearer token of people chosen from all.
        admin_cookie: ``Cookie`` header of a superuser.
        seconds: that the filling took.
        sizes: bytes per table, with its indexes.
    """

    fingerprint: str
    sessions: list[list[str]]
    admin_cookie: str
    seconds: float
    sizes: dict[str, int]

    def write(self, path: Path) -> None:
        """Keep it."""
        path.write_text(json.dumps(asdict(self)))


def read_prepared(path: Path) -> Prepared | None:
    """What was kept, ``None`` where nothing was."""
    try:
        return Prepared(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def signed_cookie(token: str) -> tuple[str, str]:
    """``Cookie`` header and bearer token of a session; in a process where Django is set up."""
    cookies = import_module("django_jazzauth.api.cookies")
    signed = cookies.sign(token, import_module("django_jazzauth.conf").get_settings().SECRET)
    return f"better-auth.session_token={cookies.encode(signed)}", signed
