"""One endpoint as drf-spectacular describes it: made of what the endpoint declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from django.apps import apps
from drf_spectacular.drainage import warn
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, append_meta, get_doc
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import Direction, OpenApiParameter, OpenApiResponse

from ...api.answers import Answers, Reply, declared_answers, refusals, with_more
from ...api.cookies import SESSION_COOKIE
from ...api.endpoint import Endpoint
from ...api.payloads import SessionPayload, UserPayload
from ...api.plugins import Member, installed
from ...conf import get_settings

DEFAULT_TAG = "Default"
"""What Better Auth calls the endpoints that belong to no plugin."""
_CORE = "django_jazzauth"
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"

COOKIE_SCHEME = "apiKeyCookie"
BEARER_SCHEME = "bearerAuth"
SIGNED_IN: list[dict[str, list[str]]] = [{COOKIE_SCHEME: []}, {BEARER_SCHEME: []}]
"""Security requirement: the cookie, or the bearer token."""


class EndpointSchema(AutoSchema):
    """Describes an :class:`~django_jazzauth.api.endpoint.Endpoint`.

    Args:
        prefix: what component names begin with, so that they are not those of a project's own.
    """

    def __init__(self, prefix: str = "Auth") -> None:
        super().__init__()
        self.prefix = prefix

    @property
    def endpoint(self) -> Endpoint:
        """What is described."""
        return cast(Endpoint, self.view)

    @property
    def answers(self) -> Answers:
        """What the handler declares; without a declaration the document is incomplete."""
        declared = declared_answers(self.endpoint, self.method)
        if declared is None:
            warn(f"{type(self.endpoint).__name__}.{self.method.lower()} declares no answers")
        declared = declared or Answers()
        for more in installed().answers_of(self.endpoint):
            declared = with_more(declared, more)
        return declared

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """With ``security`` also where nobody needs to be signed in."""
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            operation["security"] = self.get_auth()
        return operation

    def get_operation_id(self) -> str:
        """Better Auth's, where it has one."""
        declared = self.endpoint.older_name or self.answers.operation
        if declared:
            return str(declared)
        name = type(self.endpoint).__name__.removesuffix("View")
        name = name[:1].lower() + name[1:]
        several = hasattr(self.endpoint, "get") and hasattr(self.endpoint, "post")
        return f"{name}Post" if several and self.method == "POST" else name

    def is_deprecated(self) -> bool:
        return bool(self.endpoint.older_name)

    def get_tags(self) -> list[str]:
        return [tag_of(type(self.endpoint))]

    def get_summary(self) -> str:
        """The first line of the endpoint's docstring."""
        first = get_doc(type(self.endpoint)).partition("\n")[0]
        return str(first).replace("``", "").strip().removesuffix(".")

    def get_description(self) -> str:  # type: ignore[override]
        """The rest of it, and the handler's docstring."""
        rest = get_doc(type(self.endpoint)).partition("\n")[2].strip()
        return "\n\n".join(
            filter(None, (rest, get_doc(getattr(self.endpoint, self.method.lower()))))
        )

    def get_auth(self) -> list[dict[str, list[str]]]:
        cookie, bearer = security_schemes().items()
        for name, definition in (cookie, bearer):
            self.registry.register_on_missing(
                ResolvedComponent(
                    name=name,
                    type=ResolvedComponent.SECURITY_SCHEMA,
                    object=name,
                    schema=definition,
                )
            )
        match self.answers.session:
            case "none":
                return []
            case "optional":
                return [*SIGNED_IN, {}]
        return list(SIGNED_IN)

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        return self.prefix + type(serializer).__name__.removesuffix("Payload")

    def get_override_parameters(self) -> list[Any]:
        """Query parameters, and the headers of the answers."""
        declared = self.answers
        queries = (self.endpoint.query_class, declared.query)
        parameters = [shape for shape in queries if shape is not None]
        succeeded = [reply.status for reply in declared.replies if reply.status < 400]
        located = [reply.status for reply in declared.replies if reply.location]
        headers = [
            ("X-Retry-After", [429], "Seconds to wait", OpenApiTypes.INT),
            ("Location", located, "Where to go on", OpenApiTypes.STR),
        ]
        headers += [(n, succeeded, text, OpenApiTypes.STR) for n, text in declared.headers.items()]
        cookie = {"Set-Cookie": "The session cookie", **installed().session_headers}
        if declared.session != "none":
            # The use of a session may extend it, whatever comes of the request.
            answered = {reply.status for reply in declared.replies}
            answered |= refusals(self.endpoint, self.method, declared).keys() - {429}
            headers += [(n, sorted(answered), text, OpenApiTypes.STR) for n, text in cookie.items()]
        elif declared.opens_session:
            headers += [(n, succeeded, text, OpenApiTypes.STR) for n, text in cookie.items()]
        return parameters + [
            OpenApiParameter(
                name, kind, OpenApiParameter.HEADER, description=text, response=statuses
            )
            for name, statuses, text, kind in headers
            if statuses
        ]

    def get_request_serializer(self) -> Any:
        if self.answers.form is not None:
            return {_FORM: self.answers.form}
        shape = self.endpoint.body_class
        if shape is None:
            return None
        return {_JSON: shape if shape().fields else {"type": "object"}}

    def _get_request_body(self, direction: Direction = "request") -> Any:
        if self.get_request_serializer() is None:
            return None
        body = super()._get_request_body(direction)
        if body and self.endpoint.body_class is not None:
            body["required"] = not self.endpoint.body_class.optional
        return body

    def _map_serializer(
        self, serializer: Any, direction: Direction, bypass_extensions: bool = False
    ) -> Any:
        """Users and sessions with what plugins add to them."""
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        cls = serializer if isinstance(serializer, type) else type(serializer)
        added: Mapping[str, Member] = {}
        if cls is UserPayload:
            added = installed().user_members
        elif cls is SessionPayload:
            added = installed().session_members
        for name, member in added.items():
            schema["properties"][name] = _in_this_version(member.schema)
            schema["required"] = [*schema["required"], name]
        return schema

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # the declarations say which answers are lists

    def get_response_serializers(self) -> Any:
        """Every declared answer, and every refusal."""
        declared = self.answers
        found: dict[Any, OpenApiResponse] = {}
        for reply in declared.replies:
            body: Any = self._shape(reply) if reply.shapes else None
            if body is None and reply.media_type != _JSON:
                body = OpenApiTypes.STR
            key = reply.status if body is None else (str(reply.status), reply.media_type)
            if key in found and isinstance(body, dict):
                body = {"anyOf": [found[key].response, body]}
            found[key] = OpenApiResponse(response=body, description=reply.description)
        for status, codes in refusals(self.endpoint, self.method, declared).items():
            description = HTTPStatus(status).phrase
            empty = found.pop(status, None)
            if empty is not None:
                description = f"{description}. Or: {empty.description}"
            found[str(status), _JSON] = OpenApiResponse(
                response=error_shape(codes), description=description
            )
        return found

    def _shape(self, reply: Reply) -> dict[str, Any]:
        shapes = [self.resolve_serializer(shape, "response").ref for shape in reply.shapes]
        shape: dict[str, Any] = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        if reply.many:
            shape = {"type": "array", "items": shape}
        return append_meta(shape, {"nullable": True}) if reply.nullable else shape


class StrictFieldExtension(OpenApiSerializerFieldExtension):
    """The fields of the request bodies say themselves what they take."""

    target_class = "django_jazzauth.api.fields.StrictField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Direction) -> Any:
        return self.target.json_schema()


def _in_this_version(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of 3.1 for the version of the document: 3.0 has no lists of types."""
    match schema.get("type"):
        case [str(kind), "null"] | ["null", str(kind)]:
            return dict(append_meta({**schema, "type": kind}, {"nullable": True}))
    return dict(schema)


def error_shape(codes: Iterable[str | None]) -> dict[str, Any]:
    """The body of a refusal: ``{code, message}``, and the codes that it may have."""
    named = [code for code in codes if code is not None]
    properties: dict[str, Any] = {"message": {"type": "string"}}
    if not named:
        return {"type": "object", "properties": properties, "required": ["message"]}
    properties["code"] = {"type": "string", "enum": sorted(named)}
    required = ["message"] if None in codes else ["message", "code"]
    return {"type": "object", "properties": properties, "required": required}


def security_schemes() -> dict[str, dict[str, str]]:
    """The two ways to say who one is, under Better Auth's names for them."""
    settings = get_settings()
    base_url = settings.BASE_URL or ""
    secure = settings.USE_SECURE_COOKIES
    secure = base_url.startswith("https://") if secure is None else secure
    name = f"{'__Secure-' if secure else ''}{settings.COOKIE_PREFIX}.{SESSION_COOKIE}"
    return {
        COOKIE_SCHEME: {
            "type": "apiKey",
            "in": "cookie",
            "name": name,
            "description": "The session cookie",
        },
        BEARER_SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "The session token",
        },
    }


def tag_of(view: type) -> str:
    """The plugin that an endpoint comes from, as Better Auth would write it: ``Two-factor``."""
    app = apps.get_containing_app_config(view.__module__)
    if app is None or app.name == _CORE:
        return DEFAULT_TAG
    return app.name.rpartition(".")[2].replace("_", "-").capitalize()
