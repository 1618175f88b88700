"""The addresses of the measured server, and the floors: what an answer costs that says nothing."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_jazzauth.api.authentication import JWTAuthentication


class EmptyView(APIView):
    """DRF at its least: no authentication, nothing to say."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        """``{"ok": true}``."""
        return Response({"ok": True})


class WhoView(APIView):
    """A view of a project that takes our JWTs."""

    authentication_classes = (JWTAuthentication,)

    def get(self, request: Request) -> Response:
        """``{"id": …}`` of the user whose token it is."""
        return Response({"id": str(request.user.pk)})


def empty(request: HttpRequest) -> HttpResponse:
    """Django at its least."""
    return HttpResponse(b'{"ok":true}', content_type="application/json")


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/auth/", include("django_jazzauth.urls")),
    path("who", WhoView.as_view()),
    path("empty/drf", EmptyView.as_view()),
    path("empty/django", empty),
]
