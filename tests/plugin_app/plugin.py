from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from django_jazzauth.api.answers import Answers, Reply, answers
from django_jazzauth.api.cookies import CookieJar
from django_jazzauth.api.endpoint import Endpoint
from django_jazzauth.api.errors import ApiError
from django_jazzauth.api.fields import StringField
from django_jazzauth.api.hooks import Write
from django_jazzauth.api.options import ApiOptions
from django_jazzauth.api.plugins import Credential, Member, Plugin
from django_jazzauth.api.serializers import Members, SignUpEmailBody, UpdateUserBody
from django_jazzauth.api.signing_in import SignIn
from django_jazzauth.api.throttling import Rule
from django_jazzauth.api.views.sign_in import PasswordSignInEndpoint
from django_jazzauth.api.views.sign_up import SignUpEmailView
from django_jazzauth.api.views.user import UpdateUserView
from django_jazzauth.models import Session, User

TEXT = {"type": "string"}


class HelloPayload(Members):
    """Hello."""

    hello = serializers.CharField()


class KnockPayload(Members):
    """Another factor is asked for."""

    knock = serializers.CharField()
    factor = serializers.CharField()


class WaveView(Endpoint):
    """Say hello."""

    @answers(HelloPayload, session="required")
    def get(self, request: Request) -> Response:
        """Hello."""
        return Response({"hello": self.require_session().user.name})


wave = WaveView.as_view()


class EverythingPlugin(Plugin):
    """Surnames for users; a door that opens by a key, and needs a second knock for some."""

    name = "everything"
    urlpatterns = (path("wave", wave, name="wave"),)
    body_fields = {
        SignUpEmailBody: {"last_name": StringField(required=False, max_length=20)},
        UpdateUserBody: {"last_name": StringField(required=False, max_length=20)},
    }
    user_members = {"lastName": Member(lambda user: user.last_name, TEXT)}
    session_members = {"device": Member(lambda session: session.user_agent[:3], TEXT)}
    answers = {
        Endpoint: Answers(errors={403: ("NOT_TODAY",)}),
        SignUpEmailView: Answers((Reply((KnockPayload,)),), {409: ("SURNAME_TAKEN", "NOT_TODAY")}),
        PasswordSignInEndpoint: Answers((Reply((KnockPayload,)),)),
        UpdateUserView: Answers(errors={409: ("SURNAME_TAKEN", "NOT_TODAY")}),
    }
    rate_rules = (Rule(("/wave*",), 30, 2),)
    messages = {"NOT_TODAY": "Not today", "SURNAME_TAKEN": "Another has this name"}

    def credential(self, request: HttpRequest, options: ApiOptions) -> Credential | None:
        email = request.headers.get("X-Door-Key")
        if email is None:
            return None
        user = User.objects.with_email(email)
        if user is None:
            return Credential()
        now = timezone.now()
        life = {"created_at": now, "updated_at": now, "expires_at": now + timedelta(minutes=1)}
        return Credential(session=Session(user=user, **life))

    def before_request(self, endpoint: Endpoint) -> None:
        if endpoint.http.headers.get("X-Weather") == "rain":
            raise ApiError(403, "NOT_TODAY")

    def user_values(self, body: Mapping[str, Any], user: Any) -> Mapping[str, Any]:
        return {"last_name": body["last_name"].title()} if "last_name" in body else {}

    def refuse_taken(self, values: Mapping[str, Any], user: Any) -> None:
        if values.get("last_name") == "Taken":
            raise ApiError(409, "SURNAME_TAKEN")

    def user_written(self, body: Mapping[str, Any], user: Any) -> None:
        if body.get("last_name") == "unlucky":
            raise ApiError(409, "NOT_TODAY")

    def before_write(self, data: dict[str, Any], write: Write) -> Mapping[str, Any] | None:
        if (write.entity, write.verb) == ("user", "create"):
            return {"first_name": "By plugin"}
        return None

    def after_write(self, instance: Any, write: Write) -> None:
        if write.request is not None:
            write.request.META.setdefault("written", []).append(f"{write.entity}.{write.verb}")

    def before_sign_in(self, sign_in: SignIn) -> HttpResponse | None:
        if sign_in.user.last_name == "Twice":
            answer = Response({"knock": "again", "factor": sign_in.factor})
            sign_in.jar.write(answer, "knocked", "once", max_age=60)
            return answer
        return None

    def after_sign_in(self, sign_in: SignIn, answer: HttpResponse) -> None:
        answer["X-Method"] = sign_in.method if sign_in.session else f"not yet {sign_in.method}"

    def session_cookie_written(
        self, answer: HttpResponse, session: Session, jar: CookieJar
    ) -> None:
        jar.write(answer, "shadow", session.token, max_age=None)

    def after_sign_out(self, answer: HttpResponse, jar: CookieJar) -> None:
        jar.remove(answer, "shadow")

    def answered(self, endpoint: Endpoint, answer: HttpResponse) -> None:
        answer["X-Written"] = ",".join(endpoint.http.META.get("written", ()))
