"""Who somebody is at a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .definitions import Definition

_MAX_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Profile:
    """An account at a provider.

    Attributes:
        id: the provider's own id of it.
        email: in lower case; ``None`` when the provider does not tell.
        email_verified: whether the provider says that it verified the address.
        name: to show; may be empty.
        image: address of a picture.
        raw: everything that the provider said.
    """

    id: str
    email: str | None
    email_verified: bool
    name: str
    image: str | None
    raw: Mapping[str, Any]


def read_profile(definition: Definition, answer: Mapping[str, Any]) -> Profile | None:
    """The profile in a provider's answer; ``None`` when it does not say who it is."""
    fields = definition.fields
    account_id = _text(_at(answer, fields.id))
    if not account_id or len(account_id) > _MAX_LENGTH:
        return None
    email = _text(_at(answer, fields.email))
    names = (_text(_at(answer, path)) for path in fields.name)
    image = _text(_at(answer, fields.image))
    verified = _at(answer, fields.verified) if fields.verified else definition.believed
    return Profile(
        id=account_id,
        email=email.lower() or None,
        # Some providers write the boolean as text.
        email_verified=bool(email) and verified in (True, "true"),
        name=next((name for name in names if name), "")[:_MAX_LENGTH],
        image=fields.image_url.format(id=account_id, value=image) if image else None,
        raw=answer,
    )


def with_listed_email(answer: Mapping[str, Any], emails: Any) -> dict[str, Any]:
    """An answer with the primary address of a list ``[{email, primary, verified}]``."""
    listed = [entry for entry in emails if isinstance(entry, dict)] if emails else []
    chosen = next((entry for entry in listed if entry.get("primary")), None)
    if chosen is None:
        return {**answer, "email_verified": False}
    verified = chosen.get("verified") is True
    return {**answer, "email": chosen.get("email"), "email_verified": verified}


def name_given_by_app(user: Any) -> str:
    """The name in ``{name: {firstName, lastName}}``: Apple tells it once, beside the token."""
    name = user.get("name") if isinstance(user, dict) else None
    if not isinstance(name, dict):
        return ""
    parts = (name.get("firstName"), name.get("lastName"))
    return " ".join(part for part in parts if isinstance(part, str) and part)[:_MAX_LENGTH]


def _at(answer: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(answer, Mapping):
            answer = answer.get(step)
        elif isinstance(answer, list) and step.isdigit() and int(step) < len(answer):
            answer = answer[int(step)]
        else:
            return None
    return answer


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()
