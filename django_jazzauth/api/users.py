"""Creating, changing and deleting users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from ..conf import get_settings
from ..identity import Proof
from ..models import UsedProof
from ..models.account import CREDENTIAL
from ..models.last_login import signs_in_at_once, take_back
from ..user_model import user_model
from . import hooks, plugins
from .afterwards import held_back
from .errors import ApiError

REFUSED_NEW_USER = (
    "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
    "IDENTITY_ALREADY_REGISTERED",
    "FAILED_TO_CREATE_USER",
)
"""What :func:`create_user` refuses with, as 422."""


def create_user(
    data: dict[str, Any],
    *,
    password: str,
    proof: Proof | None = None,
    proof_token: str = "",
    body: Mapping[str, Any],
    request: HttpRequest,
    signs_in: bool,
    answer: Callable[[Any], HttpResponse],
) -> HttpResponse:
    """Create a user who signs in with a password, and use up their proof: both or neither.

    Args:
        data: values by the model's field names, ``email`` and ``name`` among them, and those that
            plugins made of the body.
        password: as chosen.
        proof: of the local-first identity whose id the user gets.
        proof_token: the proof as it came.
        body: of the request, for plugins that keep members of it elsewhere.
        request: the one that asks for it.
        signs_in: whether ``answer`` does.
        answer: takes the user and makes the answer, in the same transaction: where it signs them
            in, all of it is one commit. The user stays when it refuses.

    Raises:
        ApiError: 422 when e-mail or identity are taken, 400 when the proof is used up, or a hook
            refuses; what ``answer`` refuses with.
        HashingBusy: nothing was written.
    """
    user_id = None if proof is None else proof.user_id
    refuse_taken(data, user_id)
    data = hooks.ask("user", "create", data, request=request)
    hooks.ask("account", "create", {"provider_id": CREDENTIAL}, request=request)
    users = user_model()._default_manager
    user = users.build(password=password, user_id=user_id, **data)
    if signs_in:
        signs_in_at_once(user)
    refused: ApiError | None = None
    try:
        with held_back(), transaction.atomic(using=users.db):
            if proof is not None:
                use_up_proof(proof_token, proof)
            account = users.store(user)
            plugins.installed().user_written(body, user)
            hooks.tell("user", "create", user, request=request)
            hooks.tell("account", "create", account, request=request)
            try:
                response = answer(user)
            except ApiError as error:
                if transaction.get_rollback(using=users.db):
                    raise
                refused = error
            take_back(user)
    except IntegrityError:
        # Somebody else was faster between the look and the insert: the index has decided.
        refuse_taken(data, user_id)
        raise ApiError(422, "FAILED_TO_CREATE_USER") from None
    if refused is not None:
        raise refused
    return response


def create_without_password(
    data: dict[str, Any],
    request: HttpRequest,
    *,
    along: Callable[[Any], None] | None = None,
) -> Any:
    """Create a user who signs in by other means, or not again.

    Args:
        data: values by the model's field names, ``email`` and ``name`` among them.
        request: the one that asks for it.
        along: takes the user, and writes something else in the same transaction.

    Raises:
        ApiError: a hook refuses.
        django.db.IntegrityError: the e-mail is taken.
    """
    data = hooks.ask("user", "create", data, request=request)
    users = user_model()._default_manager
    user = users.build(password=None, **data)
    with transaction.atomic(using=users.db):
        users.store(user)
        if along is not None:
            along(user)
    hooks.tell("user", "create", user, request=request)
    return user


def refuse_taken(data: dict[str, Any], user_id: Any = None) -> None:
    """Refuse an e-mail or identity that has an account, or what a plugin knows to be unique.

    Raises:
        ApiError: 422, or as the plugin says.
    """
    plugins.installed().refuse_taken(data)
    users = user_model()._default_manager
    if users.with_email(data["email"]) is not None:
        raise ApiError(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")
    if user_id is not None and users.filter(pk=user_id).exists():
        raise ApiError(422, "IDENTITY_ALREADY_REGISTERED")


def use_up_proof(token: str, proof: Proof) -> None:
    """Remember a proof, so that it counts once.

    Raises:
        ApiError: 400 when it was used before.
    """
    expires_at = datetime.fromtimestamp(proof.expires_at, UTC)
    if not UsedProof.objects.use(token, expires_at=expires_at):
        raise ApiError(400, "PROOF_ALREADY_USED")


def update_user(
    user: Any,
    changes: dict[str, Any],
    request: HttpRequest,
    *,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Change fields of ``user``.

    Args:
        user: of the user model.
        changes: new values by the model's field names; there may be none.
        request: the one that asks for it.
        body: of the request, for plugins that keep members of it elsewhere.

    Raises:
        ApiError: a hook refuses, or the new e-mail was taken or the user deleted a moment ago.
    """
    plugins.installed().refuse_taken(changes, user)
    keep = None if body is None else partial(plugins.installed().user_written, body, user)
    try:
        hooks.save("user", user, changes, request=request, along=keep)
    except IntegrityError:
        plugins.installed().refuse_taken(changes, user)
        raise ApiError(400, "FAILED_TO_UPDATE_USER") from None
    except DatabaseError:
        if type(user)._base_manager.filter(pk=user.pk).exists():
            raise
        # Deleted since the request was let in.
        raise ApiError(400, "FAILED_TO_UPDATE_USER") from None


def must_verify(user: Any) -> bool:
    """Whether ``user`` has to prove their address before a password signs them in."""
    return get_settings().EMAIL_VERIFICATION.REQUIRED and not user.email_verified
