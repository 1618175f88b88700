"""The paths of the API, relative to where the project includes them."""

from __future__ import annotations

from django.urls import path, re_path

from .views.error_page import ErrorView
from .views.password import ChangePasswordView, VerifyPasswordView
from .views.session import GetSessionView, SignOutView
from .views.sessions import (
    ListSessionsView,
    RevokeOtherSessionsView,
    RevokeSessionsView,
    RevokeSessionView,
    UpdateSessionView,
)
from .views.sign_in import SignInEmailView
from .views.sign_up import SignUpEmailView
from .views.status import OkView, not_found
from .views.tokens import JwksView, TokenView
from .views.user import UpdateUserView

urlpatterns = [
    path("sign-up/email", SignUpEmailView.as_view(), name="sign-up-email"),
    path("sign-in/email", SignInEmailView.as_view(), name="sign-in-email"),
    path("sign-out", SignOutView.as_view(), name="sign-out"),
    path("get-session", GetSessionView.as_view(), name="get-session"),
    path("list-sessions", ListSessionsView.as_view(), name="list-sessions"),
    path("revoke-session", RevokeSessionView.as_view(), name="revoke-session"),
    path("revoke-sessions", RevokeSessionsView.as_view(), name="revoke-sessions"),
    path("revoke-other-sessions", RevokeOtherSessionsView.as_view(), name="revoke-other-sessions"),
    path("update-session", UpdateSessionView.as_view(), name="update-session"),
    path("update-user", UpdateUserView.as_view(), name="update-user"),
    path("change-password", ChangePasswordView.as_view(), name="change-password"),
    path("verify-password", VerifyPasswordView.as_view(), name="verify-password"),
    path("error", ErrorView.as_view(), name="error"),
    path("token", TokenView.as_view(), name="token"),
    path("jwks", JwksView.as_view(), name="jwks"),
    path("ok", OkView.as_view(), name="ok"),
    # Last: whatever is left is answered as Better Auth does, and never redirected.
    re_path(r"", not_found, name="not-found"),
]
