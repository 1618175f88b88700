"""The endpoints that send somebody to a provider, or take an ID token that an app has already."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from rest_framework.request import Request

from .. import wire
from ..answers import Reply, answers
from ..endpoint import Endpoint
from ..errors import ApiError
from ..responses import Response
from . import account_cookie
from .bodies import LinkOAuth2Body, LinkSocialBody, SignInOAuth2Body, SignInSocialBody
from .id_tokens import InvalidIdToken, verify_id_token
from .linking import LinkRefused, link, user_for
from .payloads import LinkedPayload, SentAwayPayload, SocialSignedInPayload
from .profile import Profile, name_given_by_app, read_profile
from .protocol import Tokens, authorization_url
from .providers import Provider, ProviderUnavailable, find_provider
from .state import (
    STATE_COOKIE,
    STATE_SECONDS,
    PendingSignIn,
    new_name,
    new_verifier,
    remember,
)

_HOOKS_REFUSE = ("FAILED_TO_CREATE_USER", "FAILED_TO_UPDATE_USER", "FAILED_TO_CREATE_VERIFICATION")
_REFUSALS = {
    "email_does_not_match": "Account not linked - different emails not allowed",
    "unable_to_link_account": "Account not linked - linking not allowed",
    "account_already_linked_to_different_user": "Social account already linked",
}


class SocialEndpoint(Endpoint):
    """What both have in common."""

    def configured_provider(self) -> Provider:
        """The provider that the body names.

        Raises:
            ApiError: 404 when it is not configured, 503 when it cannot be reached.
        """
        try:
            provider = find_provider(self.body.get("provider") or self.body["provider_id"])
        except ProviderUnavailable as error:
            raise ApiError(503, error.code, "The provider cannot be reached") from None
        if provider is None:
            raise ApiError(404, "PROVIDER_NOT_FOUND", "Provider not found")
        return provider

    def send_away(self, provider: Provider, *, link_user: str | None = None) -> Response:
        """``{url, redirect}`` and the state cookie."""
        body = self.body
        pending = PendingSignIn(
            provider=provider.name,
            verifier=new_verifier(),
            nonce=new_name(),
            callback_url=body.get("callback_url"),
            error_url=body.get("error_callback_url"),
            new_user_url=body.get("new_user_callback_url"),
            sign_up=body.get("request_sign_up") is True,
            link_user=link_user,
        )
        state = remember(pending, self.http)
        url = authorization_url(
            provider,
            redirect_uri=self.url_of("social-callback", provider=provider.name),
            state=state,
            verifier=pending.verifier,
            nonce=pending.nonce,
            scopes=tuple(body.get("scopes", ())),
            login_hint=body.get("login_hint"),
            more=body.get("additional_params"),
        )
        redirect = not body.get("disable_redirect")
        answer = Response({"url": url, "redirect": redirect})
        if redirect:
            answer["Location"] = url
        self.jar.write(answer, STATE_COOKIE, state, max_age=STATE_SECONDS)
        return answer

    def from_id_token(self, provider: Provider) -> tuple[Profile, Tokens]:
        """Who the ID token of the body is about.

        Raises:
            ApiError: 404 when the provider has none, 401 when it is not right.
        """
        given = self.body["id_token"]
        if not provider.has_id_tokens:
            raise ApiError(404, "ID_TOKEN_NOT_SUPPORTED", "id_token not supported")
        try:
            claims = verify_id_token(provider, given["token"], nonce=given.get("nonce"))
        except InvalidIdToken:
            raise ApiError(401, "INVALID_TOKEN") from None
        profile = read_profile(provider.definition, claims)
        if profile is None:
            raise ApiError(401, "FAILED_TO_GET_USER_INFO")
        if not profile.name:
            profile = replace(profile, name=name_given_by_app(given.get("user")))
        tokens = Tokens(
            access_token=given.get("accessToken") or None,
            refresh_token=given.get("refreshToken") or None,
            id_token=given["token"],
        )
        return profile, tokens


class SignInSocialView(SocialEndpoint):
    """Sign in with an account at a provider."""

    body_class = SignInSocialBody
    is_login = True

    @answers(
        Reply((SentAwayPayload, SocialSignedInPayload), location=True),
        opens_session=True,
        operation="socialSignIn",
        errors={
            400: (
                "FAILED_TO_CREATE_USER",
                "FAILED_TO_UPDATE_USER",
                "FAILED_TO_CREATE_VERIFICATION",
            ),
            401: (
                *("INVALID_TOKEN", "FAILED_TO_GET_USER_INFO", "USER_EMAIL_NOT_FOUND"),
                "OAUTH_LINK_ERROR",
            ),
            404: ("PROVIDER_NOT_FOUND", "ID_TOKEN_NOT_SUPPORTED"),
            503: ("PROVIDER_UNAVAILABLE",),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """``{url, redirect}``; with an ID token ``{redirect: false, token, user}`` at once."""
        provider = self.configured_provider()
        if "id_token" not in self.body:
            return self.send_away(provider)
        profile, tokens = self.from_id_token(provider)
        if profile.email is None:
            raise ApiError(401, "USER_EMAIL_NOT_FOUND", "User email not found")
        asked = self.body.get("request_sign_up") is True
        try:
            user, is_new = user_for(provider, profile, tokens, self.http, sign_up=asked)
        except LinkRefused as refused:
            raise ApiError(401, "OAUTH_LINK_ERROR", refused.reason.replace("_", " ")) from None
        if not user.is_active:
            raise ApiError(401, "FAILED_TO_CREATE_SESSION")
        if is_new:
            self.letters.welcome(user, callback_url=self.body.get("callback_url"))
        answer = self.sign_in(
            user,
            lambda session: Response(
                {"redirect": False, "token": session.token, "user": wire.user_payload(user)}
            ),
            method=provider.name,
            factor="provider",
        )
        account_cookie.write(answer, self.jar, provider, profile)
        return answer


class SignInOAuth2View(SignInSocialView):
    """The same as Better Auth 1.4 names it for a generic provider: ``{providerId}``."""

    body_class = SignInOAuth2Body


class LinkSocialView(SocialEndpoint):
    """Link an account at a provider to the signed-in user."""

    body_class = LinkSocialBody

    @answers(
        Reply((SentAwayPayload, LinkedPayload), location=True),
        session="required",
        operation="linkSocialAccount",
        errors={
            400: (
                "FAILED_TO_CREATE_USER",
                "FAILED_TO_UPDATE_USER",
                "FAILED_TO_CREATE_VERIFICATION",
            ),
            401: (
                *("INVALID_TOKEN", "FAILED_TO_GET_USER_INFO", "SOCIAL_ACCOUNT_ALREADY_LINKED"),
                *("LINKING_DIFFERENT_EMAILS_NOT_ALLOWED", "LINKING_NOT_ALLOWED"),
            ),
            404: ("PROVIDER_NOT_FOUND", "ID_TOKEN_NOT_SUPPORTED"),
            503: ("PROVIDER_UNAVAILABLE",),
        },
    )
    def post(self, request: Request) -> Response:
        """``{url, redirect}``; with an ID token ``{url: "", status: true, redirect: false}``."""
        user = self.require_session().user
        provider = self.configured_provider()
        if "id_token" not in self.body:
            return self.send_away(provider, link_user=str(user.pk))
        profile, tokens = self.from_id_token(provider)
        try:
            link(user, provider, profile, tokens, self.http)
        except LinkRefused as refused:
            code = {
                "email_does_not_match": "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
                "unable_to_link_account": "LINKING_NOT_ALLOWED",
            }.get(refused.reason, "SOCIAL_ACCOUNT_ALREADY_LINKED")
            raise ApiError(401, code, _REFUSALS[refused.reason]) from None
        return Response({"url": "", "status": True, "redirect": False})


class LinkOAuth2View(LinkSocialView):
    """The same as Better Auth 1.4 names it for a generic provider: ``{providerId}``."""

    body_class = LinkOAuth2Body
