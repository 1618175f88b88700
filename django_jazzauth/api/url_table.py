"""Paths that are found in a table, not by trying one pattern after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import ResolverMatch, URLPattern, URLResolver
from django.urls.resolvers import RoutePattern
from django.utils.functional import cached_property


class UrlTable(URLResolver):
    """Patterns as Django resolves them, in their order; those without a parameter by one look-up.

    Args:
        patterns: what ``urlpatterns`` would be.
    """

    def __init__(self, patterns: Iterable[URLPattern | URLResolver]) -> None:
        super().__init__(RoutePattern(""), list(patterns))

    def resolve(self, path: Any) -> ResolverMatch:
        """As Django's."""
        found = self._fixed.get(str(path))
        return super().resolve(path) if found is None else found

    @cached_property
    def _fixed(self) -> dict[str, ResolverMatch]:
        # Django's own answer to each route without parameters, so that whatever stands before it
        # keeps its say. The resolver around copies from the match, and changes nothing in it.
        routes = filter(None, map(_fixed_route, self.url_patterns))
        found = {route: super(UrlTable, self).resolve(route) for route in routes}
        for match in found.values():
            match.tried = []
        return found


def _fixed_route(entry: URLPattern | URLResolver) -> str | None:
    """The path that an entry is for, if it is one, and the same in every language."""
    route = getattr(entry.pattern, "_route", None) if isinstance(entry, URLPattern) else None
    return route if isinstance(route, str) and "<" not in route else None
