"""The paths of the API, relative to where the project includes them."""

from __future__ import annotations

from django.urls import path, re_path

from .views.session import GetSessionView, SignOutView
from .views.sign_in import SignInEmailView
from .views.sign_up import SignUpEmailView
from .views.status import OkView, not_found
from .views.tokens import JwksView, TokenView

urlpatterns = [
    path("sign-up/email", SignUpEmailView.as_view(), name="sign-up-email"),
    path("sign-in/email", SignInEmailView.as_view(), name="sign-in-email"),
    path("sign-out", SignOutView.as_view(), name="sign-out"),
    path("get-session", GetSessionView.as_view(), name="get-session"),
    path("token", TokenView.as_view(), name="token"),
    path("jwks", JwksView.as_view(), name="jwks"),
    path("ok", OkView.as_view(), name="ok"),
    # Last: whatever is left is answered as Better Auth does, and never redirected.
    re_path(r"", not_found, name="not-found"),
]
