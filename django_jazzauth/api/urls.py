"""The paths of the API, the core's and those of plugins, relative to where it is included."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from .plugins import Registry
from .social.account_views import (
    AccountInfoView,
    GetAccessTokenView,
    ListAccountsView,
    RefreshTokenView,
    UnlinkAccountView,
)
from .social.starting import (
    LinkOAuth2View,
    LinkSocialView,
    SignInOAuth2View,
    SignInSocialView,
)
from .social.views import CallbackView
from .url_table import UrlTable
from .views.delete_user import DeleteUserCallbackView, DeleteUserView
from .views.email import ChangeEmailView
from .views.error_page import ErrorView
from .views.outbox import OutboxView
from .views.password import ChangePasswordView, VerifyPasswordView
from .views.reset_password import (
    RequestPasswordResetView,
    ResetPasswordCallbackView,
    ResetPasswordView,
)
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
from .views.verification import SendVerificationEmailView, VerifyEmailView

core_patterns = [
    path("sign-up/email", SignUpEmailView.as_view(), name="sign-up-email"),
    path("sign-in/email", SignInEmailView.as_view(), name="sign-in-email"),
    path("sign-in/social", SignInSocialView.as_view(), name="sign-in-social"),
    path("callback/<str:provider>", CallbackView.as_view(), name="social-callback"),
    path("link-social", LinkSocialView.as_view(), name="link-social"),
    # What 1.4 calls the same for generic providers.
    path(
        "sign-in/oauth2",
        SignInOAuth2View.as_view(older_name="signInWithOAuth2"),
        name="sign-in-oauth2",
    ),
    path("oauth2/link", LinkOAuth2View.as_view(older_name="oAuth2LinkAccount"), name="oauth2-link"),
    path("list-accounts", ListAccountsView.as_view(), name="list-accounts"),
    path("unlink-account", UnlinkAccountView.as_view(), name="unlink-account"),
    path("account-info", AccountInfoView.as_view(), name="account-info"),
    path("get-access-token", GetAccessTokenView.as_view(), name="get-access-token"),
    path("refresh-token", RefreshTokenView.as_view(), name="refresh-token"),
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
    path("change-email", ChangeEmailView.as_view(), name="change-email"),
    path(
        "request-password-reset",
        RequestPasswordResetView.as_view(),
        name="request-password-reset",
    ),
    # What older lists of paths call it.
    path(
        "forget-password",
        RequestPasswordResetView.as_view(older_name="forgetPassword"),
        name="forget-password",
    ),
    path("reset-password", ResetPasswordView.as_view(), name="reset-password"),
    path(
        "reset-password/<str:token>",
        ResetPasswordCallbackView.as_view(),
        name="reset-password-callback",
    ),
    path(
        "send-verification-email",
        SendVerificationEmailView.as_view(),
        name="send-verification-email",
    ),
    path("verify-email", VerifyEmailView.as_view(), name="verify-email"),
    path("delete-user", DeleteUserView.as_view(), name="delete-user"),
    path("delete-user/callback", DeleteUserCallbackView.as_view(), name="delete-user-callback"),
    path("test-outbox", OutboxView.as_view(), name="test-outbox"),
    path("error", ErrorView.as_view(), name="error"),
    path("token", TokenView.as_view(), name="token"),
    path("jwks", JwksView.as_view(), name="jwks"),
    path("ok", OkView.as_view(), name="ok"),
]


def patterns(registry: Registry) -> list[URLPattern | URLResolver]:
    """The core's paths, those of ``registry``, and an answer to every other path."""
    # Last: whatever is left is answered as Better Auth does, and never redirected.
    not_an_endpoint = re_path(r"", not_found, name="not-found")
    return [UrlTable([*core_patterns, *registry.urlpatterns, not_an_endpoint])]
