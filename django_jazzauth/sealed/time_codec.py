"""Moments in a state: aware, or naive with the zone of their database."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from ..kept_settings import USE_TZ


def datetime_encoder(field: Any) -> Callable[[Any], Any]:
    """A function that makes a moment's primitive: in UTC; of a naive one, text with its zone."""

    def encode(value: Any) -> datetime.datetime | str | None:
        if type(value) is datetime.datetime and USE_TZ.value:
            if value.tzinfo is datetime.UTC:
                return value
            if value.tzinfo is not None:
                return value.astimezone(datetime.UTC)
        return _datetime_primitive(field, value)

    return encode


def _datetime_primitive(field: Any, value: Any) -> datetime.datetime | str | None:
    value = field.get_prep_value(value)
    if value is None:
        return None
    moment: datetime.datetime = value
    if timezone.is_aware(moment):
        return moment.astimezone(datetime.UTC)
    # Kept naive where the project is, with the zone that the database will read it in.
    return f"{moment.isoformat()} {timezone.get_default_timezone_name()}"


def naive_moment(text: str) -> tuple[datetime.datetime, datetime.tzinfo]:
    """The naive moment and its zone, of the text that is kept of them."""
    moment, _, zone = text.partition(" ")
    return datetime.datetime.fromisoformat(moment), zoneinfo.ZoneInfo(zone)


def as_datetime(value: Any) -> Any:
    """The moment of a primitive, aware if the project's are."""
    if value is None:
        return None
    if type(value) is str:
        moment, zone = naive_moment(value)
        return timezone.make_aware(moment, zone) if USE_TZ.value else moment
    return value if USE_TZ.value else timezone.make_naive(value)
