"""The whole document: every endpoint below the API's path, those of plugins too."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from django.core.signals import setting_changed
from django.http import HttpRequest
from django.urls import URLResolver, get_resolver
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings

from ... import __version__
from ...api.endpoint import Endpoint
from ...api.origin import CALLBACKS
from .schema import DEFAULT_TAG, SIGNED_IN, EndpointSchema

VERSION = "3.1.1"
"""Of OpenAPI, as in Better Auth's document."""
_APP_NAME = "jazzauth"
_DESCRIPTION = (
    "Accounts, sessions and tokens, in Better Auth's wire format.\n\n"
    "Not listed: a hook of the project may refuse with codes of its own; and a member or parameter "
    f"{', '.join(name for name, _code in CALLBACKS)} that names an address which is not trusted is "
    "refused with 403 on every path, also where it has no meaning."
)

# drf-spectacular has one set of settings per process. For the time of one generation they are its
# defaults and these, whatever the project chose for its own document.
_SETTINGS: dict[str, Any] = {
    **{
        name: value
        for name, value in SPECTACULAR_DEFAULTS.items()
        if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
    },
    "OAS_VERSION": VERSION,
    "TITLE": "django_jazzauth",
    "VERSION": __version__,
    "DESCRIPTION": _DESCRIPTION,
    "SCHEMA_PATH_PREFIX": "",
    "SORT_OPERATIONS": False,
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [],
}
_generating = Lock()
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Document:
    """An OpenAPI document without its servers.

    Args:
        content: what it says.
        complaints: what drf-spectacular could not make out; none, if all endpoints declare what
            they answer.
    """

    content: dict[str, Any]
    complaints: tuple[str, ...]


class _Endpoints(EndpointEnumerator):
    def should_include_endpoint(self, path: str, callback: Any) -> bool:
        cls = getattr(callback, "cls", None)
        return isinstance(cls, type) and issubclass(cls, Endpoint)


class _Generator(SchemaGenerator):
    endpoint_inspector_cls = _Endpoints

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)
        schema = EndpointSchema(prefix="")
        self._set_schema_to_view(view, schema)
        schema.view = view
        return view


def generate(patterns: Sequence[Any]) -> Document:
    """Describe every endpoint among ``patterns``.

    Args:
        patterns: the API's URL patterns, relative to where it is included.
    """
    with _generating, patched_settings(_SETTINGS), GENERATOR_STATS.silence():
        content = _Generator(patterns=list(patterns)).get_schema(request=None, public=True)
        complaints = (*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache)
    operations = [operation for item in content["paths"].values() for operation in item.values()]
    tags = dict.fromkeys([DEFAULT_TAG, *(tag for o in operations for tag in o["tags"])])
    content["tags"] = [{"name": tag} for tag in tags]
    content["security"] = SIGNED_IN
    return Document(content, complaints)


def api_patterns(urlconf: Any = None) -> Sequence[Any]:
    """The URL patterns of the API in a project's URLconf; empty where it is not included."""
    resolver = _api_resolver(get_resolver(urlconf))
    return () if resolver is None else resolver.url_patterns


def document_for(request: HttpRequest, server: str) -> bytes:
    """The document as it is sent.

    It is generated once per process and URLconf. What could not be described is logged then.

    Args:
        request: by its URLconf the endpoints are found.
        server: the absolute address of the API.
    """
    return _written(getattr(request, "urlconf", None) or "", server)


@lru_cache(maxsize=8)
def _written(urlconf: Any, server: str) -> bytes:
    content = {**_generated(urlconf), "servers": [{"url": server}]}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


@lru_cache(maxsize=8)
def _generated(urlconf: Any) -> dict[str, Any]:
    document = generate(api_patterns(urlconf or None))
    for complaint in document.complaints:
        _logger.warning("The OpenAPI document is incomplete: %s", complaint)
    return document.content


def _api_resolver(resolver: URLResolver) -> URLResolver | None:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name == _APP_NAME:
                return pattern
            found = _api_resolver(pattern)
            if found is not None:
                return found
    return None


def _forget(**kwargs: Any) -> None:
    _written.cache_clear()
    _generated.cache_clear()


setting_changed.connect(_forget, dispatch_uid="jazzauth.open_api")
