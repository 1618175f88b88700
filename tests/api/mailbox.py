"""The mails that were sent, set against those of a recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from django.core import mail

from .transcripts import Exchange, Replay


@dataclass
class Letter:
    """One mail: to whom, and the link in it."""

    to: str
    url: str

    @property
    def token(self) -> str:
        parts = urlsplit(self.url)
        query = parse_qs(parts.query).get("token")
        return query[0] if query else parts.path.rpartition("/")[2]


def letters(to: str | None = None) -> list[Letter]:
    """Every mail so far, oldest first."""
    sent = [Letter(m.to[0], re.findall(r"http\S+", str(m.body))[0]) for m in mail.outbox]
    return [letter for letter in sent if to is None or letter.to == to]


def claims(token: str) -> dict[str, Any] | None:
    """What a token says beside its times and whom it is about; ``None`` for one that is no JWT."""
    try:
        said = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        return None
    return {name: value for name, value in said.items() if name not in ("iat", "exp", "sub")}


def receive(replay: Replay, exchange: Exchange) -> None:
    """Find ours for each recorded mail, compare the link, and use our token from now on."""
    recorded = exchange.response["body"]
    for entry in recorded if isinstance(recorded, list) else [recorded]:
        theirs = Letter(entry["to"], entry["url"].replace(f"3100{replay.prefix}/", "3100/"))
        if replay.prefix and f"3100{replay.prefix}/" not in entry["url"]:
            continue  # of another of the recorded servers
        alike = [
            ours
            for ours in letters(theirs.to)
            if claims(ours.token) == claims(theirs.token)
            and ours.url.replace(ours.token, "T") == theirs.url.replace(theirs.token, "T")
        ]
        if not alike:
            replay.differences.append(
                f"{exchange.step}: no mail {theirs}, only {letters(theirs.to)}"
            )
            continue
        replay.learn(theirs.token, alike[-1].token)
