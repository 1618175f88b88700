"""The page at ``/``: local-first identity in the browser, from the first key to the log."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.generic import TemplateView

# Only what this site serves runs, and nothing may be injected into the page: it holds a secret.
# Forms are sent by the page's own code alone, never by the browser with their values in an address.
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


class IdentityPage(TemplateView):
    """A static page, but for the app's id; its JavaScript does the rest."""

    template_name = "example_project/page.html"
    extra_context = {"app_id": settings.JAZZAUTH["APP_ID"]}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page, with a strict Content-Security-Policy."""
        answer = super().get(request, *args, **kwargs)
        answer["Content-Security-Policy"] = "; ".join(
            f"{directive} {sources}" for directive, sources in _POLICY.items()
        )
        answer["Referrer-Policy"] = "no-referrer"
        return answer
