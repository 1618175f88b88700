"""``POST /sign-up/email``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from ...identity import Proof
from ...models import UsedProof
from .. import wire
from ..endpoint import Endpoint
from ..errors import ApiError
from ..passwords import check_new_password
from ..proofs import proof_of
from ..serializers import SignUpEmailBody
from ..session_state import open_session
from ..signing_in import announce


class SignUpEmailView(Endpoint):
    """Create an account with e-mail and password and sign it in.

    With a ``proofToken`` the account gets the id of the proven local-first identity, so that what
    its owner made before the sign-up still belongs to them.
    """

    body_class = SignUpEmailBody
    is_login = True

    def post(self, request: Request) -> Response:
        """``{token, user}`` and the session cookie."""
        body = self.body
        check_new_password(body["password"])
        proof = proof_of(body.get("proof_token"))
        remember = body.get("remember_me") is not False
        user = _create_user(body, proof)
        session = open_session(user, self.http, self.api_options, remember=remember)
        announce(user, self.http)
        answer = Response({"token": session.token, "user": wire.user_payload(user)})
        self.jar.write_session(answer, session, remember=remember)
        return answer


def _create_user(body: dict[str, Any], proof: Proof | None) -> Any:
    """Create the user and use up the proof, both or neither.

    Raises:
        ApiError: 422 when e-mail or identity are taken, 400 when the proof is used up.
    """
    users = get_user_model()._default_manager
    user_id = None if proof is None else proof.user_id
    _refuse_taken(body["email"], user_id)
    try:
        with transaction.atomic(using=users.db):
            if proof is not None:
                _use_up(body["proof_token"], proof)
            return users.sign_up(
                email=body["email"],
                name=body["name"],
                password=body["password"],
                image=body.get("image"),
                user_id=user_id,
            )
    except IntegrityError:
        # Somebody else was faster between the look and the insert: the index has decided.
        _refuse_taken(body["email"], user_id)
        raise ApiError(422, "FAILED_TO_CREATE_USER") from None


def _refuse_taken(email: str, user_id: Any) -> None:
    users = get_user_model()._default_manager
    if users.with_email(email) is not None:
        raise ApiError(422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL")
    if user_id is not None and users.filter(pk=user_id).exists():
        raise ApiError(422, "IDENTITY_ALREADY_REGISTERED")


def _use_up(token: str, proof: Proof) -> None:
    expires_at = datetime.fromtimestamp(proof.expires_at, UTC)
    if not UsedProof.objects.use(token, expires_at=expires_at):
        raise ApiError(400, "PROOF_ALREADY_USED")
