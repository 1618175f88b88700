"""Dates as JavaScript writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from django_jazzauth.api.wire import iso

from .conftest import Api


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 21, 1, 23, 2, 213_999, UTC), "2026-11-21T01:23:02.213Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (
            datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))),
            "2025-12-31T23:00:00.000Z",
        ),
    ],
)
def test_iso(moment: datetime, text: str) -> None:
    assert iso(moment) == text


def test_without_time_zones(api: Api, settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    now = datetime.now(UTC)
    answer = api.sign_up()
    created = datetime.fromisoformat(answer.json()["user"]["createdAt"])
    assert abs(created - now) < timedelta(seconds=30)
    session = api.get("/get-session").json()["session"]
    left = datetime.fromisoformat(session["expiresAt"]) - now
    assert timedelta(days=6, hours=23) < left < timedelta(days=7, minutes=1)
    assert api.get("/token").status_code == 200


def test_the_hour_that_a_zone_repeats() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    assert iso(first) == "2026-10-25T00:30:00.000Z"
    assert iso(first.replace(fold=1)) == "2026-10-25T01:30:00.000Z"
