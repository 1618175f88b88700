"""What a request says about the device it comes from."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from django_jazzauth.client import client_address, user_agent
from django_jazzauth.errors import ImproperSettings


def address(peer: str, forwarded: str = "") -> str:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return client_address(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "6.6.6.6", "192.0.2.1"),
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "6.6.6.6, 192.0.2.7, 10.9.9.9,::1", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "192.0.2.7, nonsense", ""),
        ("10.0.0.1", "2001:db8::7", "2001:db8::7"),
        # Some proxies write the port as well.
        ("10.0.0.1", "6.6.6.6, 192.0.2.7:50123", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8::7]:50123", "2001:db8::7"),
        ("10.0.0.1", "192.0.2.7:1, 10.0.0.2:443, [::1]", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7:", ""),
        ("10.0.0.1", "[2001:db8::7", ""),
        ("", "192.0.2.7", ""),
        ("unix:", "", ""),
    ],
)
def test_addresses(settings: Any, peer: str, forwarded: str, client: str) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRUSTED_PROXIES": ["10.0.0.0/8", "::1"]}
    assert address(peer, forwarded) == client


def test_a_mistyped_proxy_is_named(settings: Any) -> None:
    settings.JAZZAUTH = {**settings.JAZZAUTH, "TRUSTED_PROXIES": ["10.0.0.0/88"]}
    with pytest.raises(ImproperSettings, match="TRUSTED_PROXIES"):
        address("10.0.0.1", "192.0.2.7")


def test_user_agents_are_cut() -> None:
    request = RequestFactory().get("/", headers={"user-agent": "x" * 5000})
    assert user_agent(request) == "x" * 1000
    assert user_agent(RequestFactory().get("/")) == ""
