"""The endpoints in the document that a project makes of its own API with drf-spectacular."""

from __future__ import annotations

from ...api.endpoint import Endpoint
from ...conf import get_settings
from ...errors import ImproperSettings
from .schema import EndpointSchema


def include_endpoints() -> None:
    """Let drf-spectacular see the endpoints, or not, as ``OPEN_API["IN_PROJECT_SCHEMA"]`` says."""
    try:
        wanted = get_settings().OPEN_API.IN_PROJECT_SCHEMA
    except ImproperSettings:
        wanted = False  # jazzauth.E001
    Endpoint.schema = EndpointSchema() if wanted else None
