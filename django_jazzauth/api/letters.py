"""The mails of the core: which link is in them, and for how long it works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from ..conf import get_settings
from . import email_tokens, mails, verifications
from .email_tokens import EmailToken

_RESET_LENGTH = 24
_DELETE_LENGTH = 32


def reset_identifier(token: str) -> str:
    """What a reset token is stored under."""
    return f"reset-password:{token}"


def delete_identifier(user: Any, token: str) -> str:
    """What a deletion token is stored under: of use to its owner alone."""
    return f"delete-account:{user.pk}:{token}"


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes mails in answer to one request.

    Args:
        url_of: the absolute address of an endpoint by its name.
        secret: the server secret.
        request: the one that is answered.
    """

    url_of: Callable[..., str]
    secret: str
    request: HttpRequest

    def __repr__(self) -> str:
        return "<Letters>"

    def verify_email(
        self, to: str, token: EmailToken, *, callback_url: str | None, user: Any | None
    ) -> None:
        """The link that proves an address.

        Args:
            to: that address.
            token: what the link asks for.
            callback_url: where it leads in the end.
            user: for the template; ``None`` where nothing is to be sent, but the time of the
                answer must not tell.
        """
        url, text, seconds = self._email_link(token, callback_url)
        mails.send(
            mails.VERIFY_EMAIL,
            to,
            url=url,
            token=text,
            seconds=seconds,
            to_nobody=user is None,
            user=_stand_in(to) if user is None else user,
        )

    def welcome(self, user: Any, *, callback_url: str | None) -> None:
        """The link that proves the address of somebody whom a provider introduced.

        Only where the settings ask for it expressly: ``REQUIRED`` is about passwords.
        """
        options = get_settings().EMAIL_VERIFICATION
        if options.ENABLED and options.SEND_ON_SIGN_UP and not user.email_verified:
            token = EmailToken(user.email)
            self.verify_email(user.email, token, callback_url=callback_url, user=user)

    def confirm_change(self, user: Any, new_email: str, *, callback_url: str | None) -> None:
        """The link by which the old address agrees to the new one."""
        token = EmailToken(user.email, new_email, email_tokens.CONFIRM_CHANGE, str(user.pk))
        url, text, seconds = self._email_link(token, callback_url)
        mails.send(
            mails.CONFIRM_CHANGE,
            user.email,
            url=url,
            token=text,
            seconds=seconds,
            user=user,
            new_email=new_email,
        )

    def reset_password(self, user: Any | None, to: str, *, redirect_to: str | None) -> None:
        """The link that replaces a forgotten password.

        For nobody (``user`` is ``None``) the same is done but for the sending, with a token
        that opens nothing, so that the time of the answer does not tell.

        Args:
            user: who forgot it.
            to: the address that was typed.
            redirect_to: where the link leads in the end.
        """
        seconds = get_settings().PASSWORD_RESET.EXPIRES_IN
        token = verifications.random_token(_RESET_LENGTH)
        # Not under the user's data key, which is faster: the time of the answer would tell. There
        # is nothing of theirs in it but their id.
        verifications.issue(
            reset_identifier(token),
            "" if user is None else str(user.pk),
            seconds=seconds,
            request=self.request,
        )
        query = {"callbackURL": redirect_to or ""}
        url = self.url_of("reset-password-callback", token=token, query=query)
        mails.send(
            mails.RESET_PASSWORD,
            to if user is None else user.email,
            url=url,
            token=token,
            seconds=seconds,
            to_nobody=user is None,
            user=_stand_in(to) if user is None else user,
        )

    def delete_account(self, user: Any, *, callback_url: str | None) -> None:
        """The link that confirms the deletion of an account."""
        seconds = get_settings().DELETE_USER.EXPIRES_IN
        token = verifications.random_token(_DELETE_LENGTH, verifications.DIGITS_AND_LOWER_CASE)
        identifier = delete_identifier(user, token)
        verifications.issue(
            identifier, str(user.pk), seconds=seconds, request=self.request, user=user
        )
        query = {"token": token, "callbackURL": callback_url or "/"}
        url = self.url_of("delete-user-callback", query=query)
        mails.send(
            mails.DELETE_ACCOUNT, user.email, url=url, token=token, seconds=seconds, user=user
        )

    def _email_link(self, token: EmailToken, callback_url: str | None) -> tuple[str, str, int]:
        seconds = get_settings().EMAIL_VERIFICATION.EXPIRES_IN
        text = email_tokens.make(token, secret=self.secret, seconds=seconds)
        query = {"token": text, "callbackURL": callback_url or "/"}
        return self.url_of("verify-email", query=query), text, seconds


def _stand_in(email: str) -> Any:
    """What a template is shown instead of a user, where nothing is sent."""
    return get_user_model()(email=email)
