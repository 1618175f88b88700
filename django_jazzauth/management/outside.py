"""What is kept outside the database: checkpoints in files and at other servers."""

from __future__ import annotations

from pathlib import Path

import requests
from django.core.management.base import CommandError

_TIMEOUT = 30


def read_text(path: str) -> str:
    """A file that was named on the command line; ``-`` is not special.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CommandError(f"{path} cannot be read: {reason}.") from None


def post_text(url: str, text: str) -> None:
    """Post a text to a URL.

    Raises:
        CommandError: the server did not take it.
    """
    try:
        answer = requests.post(
            url,
            data=text.encode(),
            headers={"Content-Type": "text/plain; charset=utf-8"},
            timeout=_TIMEOUT,
        )
    except requests.RequestException as error:
        # The exception's own text may repeat credentials in the URL.
        raise CommandError(f"The checkpoint was not posted: {type(error).__name__}.") from None
    if not answer.ok:
        raise CommandError(
            f"The checkpoint was not taken: the server answers {answer.status_code}."
        )
