"""``POST /sign-up/email``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from ...conf import get_settings
from ...identity import Proof
from .. import plugins, wire
from ..afterwards import afterwards
from ..answers import answers
from ..email_tokens import EmailToken
from ..endpoint import Endpoint
from ..errors import ApiError
from ..hashing_limit import THROTTLES
from ..passwords import REFUSED_NEW_PASSWORD, check_new_password
from ..payloads import SignedUpPayload
from ..proofs import REFUSED_PROOF, proof_of
from ..responses import Response
from ..serializers import SignUpEmailBody
from ..users import REFUSED_NEW_USER, create_user, use_up_proof
from ..verifications import leave_unredeemable

_FIELDS: tuple[str, ...] = ("email", "name", "image")


class SignUpEmailView(Endpoint):
    """Create an account with e-mail and password and sign it in.

    With a ``proofToken`` the account gets the id of the proven local-first identity, so that what
    its owner made before the sign-up still belongs to them.

    Where an address must be verified first, there is no session, and the answer for an address
    that has an account looks like that for a new one.
    """

    body_class = SignUpEmailBody
    is_login = True
    throttle_classes = THROTTLES

    @answers(
        SignedUpPayload,
        opens_session=True,
        operation="signUpWithEmailAndPassword",
        errors={
            400: ("FAILED_TO_CREATE_USER", *REFUSED_NEW_PASSWORD, *REFUSED_PROOF),
            422: REFUSED_NEW_USER,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{token, user}`` and the session cookie."""
        body = self.body
        settings = get_settings().EMAIL_VERIFICATION
        added = plugins.installed().user_values(body)
        check_new_password(body["password"])
        proof = proof_of(body.get("proof_token"))
        data: dict[str, Any] = {name: body[name] for name in _FIELDS if name in body} | added
        try:
            return create_user(
                data,
                password=body["password"],
                proof=proof,
                proof_token=body.get("proof_token", ""),
                body=body,
                request=self.http,
                signs_in=not settings.REQUIRED,
                answer=self._admit,
            )
        except ApiError as error:
            if not settings.REQUIRED or error.code != "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL":
                raise
            self._send_link(data["email"], None)
            return Response({"token": None, "user": _look_alike(data, body, proof)})

    def _admit(self, user: Any) -> HttpResponse:
        """What a new user gets: the link, and a session, unless they must follow the link first."""
        afterwards(lambda: self._send_link(user.email, user))
        if get_settings().EMAIL_VERIFICATION.REQUIRED:
            return Response({"token": None, "user": wire.user_payload(user)})
        return self.sign_in(
            user,
            lambda session: Response({"token": session.token, "user": wire.user_payload(user)}),
            method="email",
            factor="password",
            remember=self.body.get("remember_me") is not False,
        )

    def _send_link(self, to: str, user: Any | None) -> None:
        """The link that proves the address, where the settings want it; to nobody: the work."""
        options = get_settings().EMAIL_VERIFICATION
        send = options.REQUIRED if options.SEND_ON_SIGN_UP is None else options.SEND_ON_SIGN_UP
        if options.ENABLED and send:
            url = self.body.get("callback_url")
            self.letters.verify_email(to, EmailToken(to), callback_url=url, user=user)


def _look_alike(data: dict[str, Any], body: dict[str, Any], proof: Proof | None) -> dict[str, Any]:
    """The user as a new one would look; as much is done, and nobody is created.

    The proof is used up all the same: whether it can be used again would tell, too.
    """
    make_password(body["password"])
    model: Any = get_user_model()  # whose key may be a number
    with transaction.atomic(using=model._default_manager.db):
        if proof is not None:
            use_up_proof(body["proof_token"], proof)
        leave_unredeemable()
    nobody = model(**data | {"email": data["email"].lower()})
    if proof is not None:
        nobody.pk = proof.user_id
    elif nobody.pk is None:  # the database would give the next number
        last = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        nobody.pk = (last or 0) + 1
    # Made in one go, like a real one: both dates are the same.
    nobody.updated_at = nobody.date_joined
    return wire.user_payload(nobody)
