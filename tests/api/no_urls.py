"""A project that does not serve the API."""

from typing import Any

urlpatterns: list[Any] = []
