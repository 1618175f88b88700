"""The API where the captured server had it."""

from django.urls import include, path

urlpatterns = [path("api/auth/", include("django_jazzauth.urls"))]
