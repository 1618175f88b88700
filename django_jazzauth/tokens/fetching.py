"""JSON from an address in the settings, within limits of time and size."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from ..errors import JazzAuthError

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
MAX_BYTES = 1_048_576
_PIECE = 65_536


class FetchFailed(JazzAuthError):
    """A document could not be fetched, or is not what was expected."""

    code = "FETCH_FAILED"


def fetch_json(
    url: str,
    *,
    bearer: str | None = None,
    connect: float = CONNECT_SECONDS,
    total: float = TOTAL_SECONDS,
) -> Any:
    """The parsed JSON document at ``url``.

    Args:
        url: http(s) address, out of the settings or of a document that they name.
        bearer: access token to show (RFC 6750).
        connect: seconds for the connection.
        total: seconds for everything. A server that sends a byte now and then does not win more.

    Raises:
        FetchFailed: no connection, too slow, too large, a status other than 200, or no JSON.
    """
    deadline = time.monotonic() + total
    body = bytearray()
    headers = {"Accept": "application/json", "User-Agent": "django-jazzauth"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    try:
        with requests.get(
            url,
            headers=headers,
            timeout=(connect, total),
            stream=True,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise FetchFailed(f"the answer has status {answer.status_code}")
            while piece := answer.raw.read1(_PIECE, decode_content=True):
                body += piece
                if len(body) > MAX_BYTES:
                    raise FetchFailed(f"the answer is longer than {MAX_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise FetchFailed(f"the answer took longer than {total:g} s")
        return json.loads(bytes(body).decode("utf-8"))
    except (requests.RequestException, OSError, ValueError, RecursionError) as error:
        raise FetchFailed(f"fetching failed: {type(error).__name__}") from None
    except Exception as error:
        # urllib3 raises its own errors while a body is read piece by piece.
        if type(error).__module__.partition(".")[0] != "urllib3":
            raise
        raise FetchFailed(f"fetching failed: {type(error).__name__}") from None
