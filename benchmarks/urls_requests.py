"""The API beside what a request costs where nothing is done: empty views of Django and of DRF."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


def empty_django(request: HttpRequest) -> HttpResponse:
    """Django's floor."""
    return HttpResponse(b"{}", content_type="application/json")


class EmptyDRF(APIView):
    """The floor of stock DRF, with its default classes."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Nothing."""
        return Response({})


urlpatterns = [
    path("empty/django", empty_django),
    path("empty/drf", EmptyDRF.as_view()),
    path("api/auth/", include("django_jazzauth.urls")),
]
