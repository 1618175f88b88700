"""What is said about the settings of the relay, and by the doctor."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_jazzauth import relay_checks
from django_jazzauth.conf import get_settings
from django_jazzauth.errors import ImproperSettings
from django_jazzauth.management.doctor.findings import Checkup
from django_jazzauth.management.doctor.relay import look_at_relay
from django_jazzauth.relay_checks import check_relay
from django_jazzauth.store.models import RelayCursor
from django_jazzauth.store.relay.bus import Bus
from django_jazzauth.store.relay.publisher import drain


def relay(settings: Any, **given: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "RELAY": given}


def ids() -> list[str | None]:
    return [message.id for message in check_relay()]


def test_nothing_is_said_without_a_relay() -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("tls://nats.example.org:4222", []),
        ("nats://127.0.0.1:4222", []),
        ("nats://localhost", []),
        ("nats://nats.example.org", ["jazzauth.W060"]),
        (["tls://a.example.org", "nats://b.example.org"], ["jazzauth.W060"]),
        ("https://nats.example.org", ["jazzauth.E061", "jazzauth.W060"]),
        ("nats.example.org:4222", ["jazzauth.E061", "jazzauth.W060"]),
    ],
)
def test_addresses(settings: Any, url: Any, found: list[str]) -> None:
    relay(settings, URL=url)
    assert ids() == found


def test_copies_that_are_no_databases(settings: Any) -> None:
    relay(settings, URL=None, COPIES=["default", "elsewhere"])
    assert ids() == ["jazzauth.E062"]


def test_encrypted_by_a_certificate(settings: Any) -> None:
    relay(settings, URL="nats://nats.example.org", TLS_CA_FILE="/etc/ca.pem")
    assert ids() == []


def test_no_password_is_shown(settings: Any) -> None:
    relay(settings, URL="nats://somebody:secretword@nats.example.org")
    assert "secretword" not in str(check_relay())
    assert "secretword" not in repr(get_settings().RELAY)


def test_without_nats_py(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    relay(settings, URL="tls://nats.example.org")
    monkeypatch.setattr(relay_checks, "INSTALLED", False)
    assert ids() == ["jazzauth.E060"]


def test_without_an_address() -> None:
    with pytest.raises(ImproperSettings, match="URL"):
        Bus(get_settings().RELAY)


def test_a_certificate_that_is_not_there(settings: Any) -> None:
    relay(settings, URL="tls://127.0.0.1:9", TLS_CA_FILE="/nowhere/ca.pem")
    with pytest.raises(ImproperSettings, match="TLS"), Bus(get_settings().RELAY):
        pass


@pytest.mark.parametrize("name", ["with blank", "a.b", "a*", ""])
def test_names_of_streams(settings: Any, name: str) -> None:
    relay(settings, STREAM=name)
    with pytest.raises(ImproperSettings, match="STREAM"):
        get_settings()


@pytest.mark.django_db(transaction=True)
def test_what_the_doctor_sees(relay_settings: Any) -> None:
    def said() -> list[tuple[str, str]]:
        checkup = Checkup()
        look_at_relay(checkup, "default")
        return [(finding.level, finding.detail) for finding in checkup.findings]

    get_user_model().objects.create(username="first")
    assert said()[0][0] == "warning"
    assert "never ran" in said()[0][1]
    drain("default")
    assert said()[0][0] == "warning"
    assert "none runs" in said()[0][1]
    RelayCursor.objects.update(leader="x", leased_until=2**62)
    assert said()[0][0] == "ok"
    assert "0 events behind" in said()[0][1]
