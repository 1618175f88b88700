"""``/open-api/generate-schema`` and ``/reference``."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.apps import apps
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from rest_framework import serializers
from rest_framework.request import Request

from ...api.answers import NOTHING_HERE, PAGE, answers
from ...api.endpoint import Endpoint, nothing_here
from ...api.serializers import Members
from ...conf import get_settings
from .checks import BUNDLE
from .document import document_for

TEMPLATE = "django_jazzauth/open_api/reference.html"


class DocumentPayload(Members):
    """A document as the OpenAPI specification 3.1 describes it."""

    openapi = serializers.CharField()
    info = serializers.DictField()
    servers = serializers.ListField(child=serializers.DictField())
    tags = serializers.ListField(child=serializers.DictField())
    security = serializers.ListField(child=serializers.DictField())
    paths = serializers.DictField()
    components = serializers.DictField()


class GenerateSchemaView(Endpoint):
    """Describe this API."""

    @answers(DocumentPayload, operation="generateOpenAPISchema")
    def get(self, request: Request) -> HttpResponse:
        """The OpenAPI 3.1 document that this endpoint is in, as JSON."""
        server = self.url_of("open-api").removesuffix("/open-api/generate-schema")
        document = document_for(self.http, server)
        return HttpResponse(document, content_type="application/json")


class ReferenceView(Endpoint):
    """Show the description of this API to people."""

    @answers(PAGE, NOTHING_HERE, operation="apiReference")
    def get(self, request: Request) -> HttpResponse:
        """Swagger UI, from this site alone; 404 where the settings switch the page off."""
        if not (get_settings().OPEN_API.REFERENCE and apps.is_installed(BUNDLE)):
            return nothing_here()
        folder = static(f"{BUNDLE}/swagger-ui-dist/")
        names = {
            "style": "swagger-ui.css",
            "bundle": "swagger-ui-bundle.js",
            "icon": "favicon-32x32.png",
        }
        urls = {
            name: static(f"{BUNDLE}/swagger-ui-dist/{file}") for name, file in names.items()
        } | {"script": static("django_jazzauth/open_api/reference.js")}
        context = {**urls, "document": self.url_of("open-api")}
        page = render_to_string(TEMPLATE, context, request=self.http)
        answer = HttpResponse(page, content_type="text/html")
        answer["Content-Security-Policy"] = _policy(folder, context["document"])
        answer["Referrer-Policy"] = "no-referrer"
        return answer


def _policy(*urls: str) -> str:
    """Only this site, and the origins of ``urls`` where they are others."""
    parts = (urlsplit(url) for url in urls)
    origins = dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts if part.netloc)
    sources = " ".join(["'self'", *origins])
    return (
        f"default-src 'none'; script-src {sources}; style-src {sources}; "
        f"img-src {sources} data:; connect-src {sources}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
