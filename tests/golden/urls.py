"""The API alone."""

from django.urls import include, path

urlpatterns = [path("api/auth/", include("django_jazzauth.urls"))]
