"""What an endpoint answers, declared beside the handler that does it.

The OpenAPI document is made of these declarations, and the tests hold what the endpoints really
answer against them. What every endpoint may answer is not repeated: see :func:`refusals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from ..errors import ValueNotStorable
from .origin import CALLBACKS
from .serializers import Body, Members

Codes = Iterable[str | None]
"""Codes of errors; ``None`` stands for those that have only a message."""
Need = Literal["none", "optional", "required", "fresh"]

_ATTRIBUTE = "declared_answers"
_Handler = TypeVar("_Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer that refuses nothing.

    Args:
        shapes: what the body looks like: one of these; none: there is no body.
        status: of HTTP.
        many: the body is a list of them.
        nullable: it may be ``null`` instead.
        media_type: of the body; a body that is not JSON has no shape.
        location: the header ``Location`` says where to go on.
        description: for readers.
    """

    shapes: tuple[type[Members], ...] = ()
    status: int = 200
    many: bool = False
    nullable: bool = False
    media_type: str = "application/json"
    location: bool = False
    description: str = "Success"


REDIRECT = Reply(status=302, location=True, description="On to the address in `Location`")
NOTHING_HERE = Reply(status=404, description="Switched off by the settings: an empty answer")
NOT_MODIFIED = Reply(status=304, description="The client has it already")
PAGE = Reply(media_type="text/html", description="A page for people")


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that one method of an endpoint declares; see :func:`answers`."""

    replies: tuple[Reply, ...] = ()
    errors: Mapping[int, tuple[str | None, ...]] = field(default_factory=dict)
    session: Need = "none"
    opens_session: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    operation: str = ""
    query: type[Body] | None = None
    form: type[Body] | None = None
    checks_origin: bool = True


class DeclaredEndpoint(Protocol):
    """The parts of an endpoint that its documentation is made of."""

    body_class: ClassVar[type[Body] | None]
    query_class: ClassVar[type[Body] | None]
    is_login: ClassVar[bool]


def answers(
    *replies: Reply | type[Members],
    errors: Mapping[int, Codes] | None = None,
    session: Need = "none",
    opens_session: bool = False,
    headers: Mapping[str, str] | None = None,
    operation: str = "",
    query: type[Body] | None = None,
    form: type[Body] | None = None,
    checks_origin: bool = True,
) -> Callable[[_Handler], _Handler]:
    """Declare what a handler answers.

    Args:
        replies: the answers that refuse nothing; a class alone is 200 with such a body.
        errors: status -> codes, beside those that follow from the rest (:func:`refusals`).
        session: whether somebody must be signed in, or may be.
        opens_session: the session cookie and its token come with the answer.
        headers: name -> what it is, of headers that the answers which refuse nothing may have.
        operation: ``operationId``; empty: the name of the class, ``SignOutView`` -> ``signOut``.
        query: parameters that the handler reads by itself, beside ``query_class``.
        form: a form that it reads by itself, instead of ``body_class``.
        checks_origin: False where the origin rule does not apply.
    """
    declared = Answers(
        replies=tuple(r if isinstance(r, Reply) else Reply((r,)) for r in replies),
        errors={status: tuple(codes) for status, codes in (errors or {}).items()},
        session=session,
        opens_session=opens_session,
        headers=dict(headers or {}),
        operation=operation,
        query=query,
        form=form,
        checks_origin=checks_origin,
    )

    def declare(handler: _Handler) -> _Handler:
        setattr(handler, _ATTRIBUTE, declared)
        return handler

    return declare


def declared_answers(view: Any, method: str) -> Answers | None:
    """What the handler for ``method`` declares; ``None`` where there is no declaration."""
    found = getattr(getattr(view, method.lower(), None), _ATTRIBUTE, None)
    return found if isinstance(found, Answers) else None


def with_more(declared: Answers, more: Answers) -> Answers:
    """What a plugin adds to the answers of an endpoint that is not its own."""
    errors = dict(declared.errors)
    for status, codes in more.errors.items():
        errors[status] = (*errors.get(status, ()), *codes)
    return replace(
        declared,
        replies=(*declared.replies, *more.replies),
        errors=errors,
        headers={**declared.headers, **more.headers},
    )


def refusals(
    view: DeclaredEndpoint, method: str, declared: Answers
) -> dict[int, tuple[str | None, ...]]:
    """Status -> codes of every error that a method may answer: the declared ones and the common.

    The common ones follow from what comes before the handler, see ``Endpoint``. Hooks of a
    project may refuse with codes of their own, which nobody can know here.
    """
    found: dict[int, dict[str | None, None]] = {429: {None: None}}

    def add(status: int, *codes: str | None) -> None:
        found.setdefault(status, {}).update(dict.fromkeys(codes))

    shape = view.body_class if method == "POST" else None
    names = {name for known in (shape, view.query_class, declared.query) for name in _names(known)}
    if method == "POST":
        add(400, "BAD_REQUEST")
        add(413, "PAYLOAD_TOO_LARGE")
        add(415, "UNSUPPORTED_MEDIA_TYPE")
        if declared.checks_origin:
            add(403, "MISSING_OR_NULL_ORIGIN", "INVALID_ORIGIN")
    if shape is not None:
        add(400, "VALIDATION_ERROR", ValueNotStorable.code)
    if view.query_class is not None:
        add(400, "VALIDATION_ERROR")
    for name, code in CALLBACKS:
        if name in names:
            add(403, code)
            if shape is not None:
                add(400, None)
    if view.is_login:
        add(403, "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED", "MISSING_OR_NULL_ORIGIN", "INVALID_ORIGIN")
    if declared.session != "none":
        # A hook may refuse the extension of the session.
        add(401, "FAILED_TO_GET_SESSION")
    if declared.session in ("required", "fresh"):
        add(401, "UNAUTHORIZED")
    if declared.session == "fresh":
        add(403, "SESSION_NOT_FRESH")
    if declared.opens_session and any(reply.status == 200 for reply in declared.replies):
        add(401, "FAILED_TO_CREATE_SESSION")
    for status, codes in declared.errors.items():
        add(status, *codes)
    return {status: tuple(found[status]) for status in sorted(found)}


def _names(shape: type[Members] | None) -> Iterable[str]:
    return () if shape is None else shape().fields
