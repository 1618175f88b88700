"""What the anonymous plugin adds to the API."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import path

from ...api.plugins import Member, Plugin
from ...api.session_state import resolve
from ...api.signing_in import SignIn
from ...conf import get_settings
from .signals import anonymous_linked
from .views import DeleteAnonymousUserView, SignInAnonymousView


class AnonymousPlugin(Plugin):
    """Guests, and what becomes of them when they sign in."""

    name = "anonymous"
    urlpatterns = (
        path("sign-in/anonymous", SignInAnonymousView.as_view(), name="sign-in-anonymous"),
        path(
            "delete-anonymous-user",
            DeleteAnonymousUserView.as_view(),
            name="delete-anonymous-user",
        ),
    )
    user_members = {"isAnonymous": Member(lambda user: user.is_guest, {"type": "boolean"})}
    messages = {
        "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY": (
            "Anonymous users cannot sign in again anonymously"
        ),
        "USER_IS_NOT_ANONYMOUS": "User is not anonymous",
        "DELETE_ANONYMOUS_USER_DISABLED": "Deleting anonymous users is disabled",
    }

    def after_sign_in(self, sign_in: SignIn, answer: HttpResponse) -> None:
        """Link the guest whose session the request came with to the user who signed in."""
        if sign_in.session is None or sign_in.user.is_guest:
            return
        former = resolve(sign_in.request, sign_in.options, renew=False)
        guest: Any = None if former.token is None else former.user
        if guest is None or not guest.is_guest:
            return
        with transaction.atomic(using=guest._state.db):
            anonymous_linked.send(
                sender=type(guest), guest=guest, user=sign_in.user, request=sign_in.request
            )
            if get_settings().ANONYMOUS.DELETE_ON_LINK:
                guest.delete()
