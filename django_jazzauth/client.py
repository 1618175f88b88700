"""What a request says about the device it comes from."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from django.http import HttpRequest

from .conf import ImproperJazzAuthSettings, get_settings

# Some proxies write "192.0.2.1:50123" or "[2001:db8::1]:50123".
_WITH_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


def client_address(request: HttpRequest) -> str:
    """The client's IP address as text, ``""`` when it is unknown.

    ``X-Forwarded-For`` counts only where the peer is a trusted proxy (setting
    ``TRUSTED_PROXIES``, networks in CIDR form): the last address in it that is not itself a
    trusted proxy is the client's. Anybody can send that header, so nothing else in it counts.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR") or "")
    if forwarded:
        proxies = get_settings().TRUSTED_PROXIES
        for hop in reversed(forwarded.split(",")):
            if not _is_in(address, proxies):
                break
            address = _without_port(hop.strip())
    return address if _parse(address) is not None else ""


def user_agent(request: HttpRequest) -> str:
    """The ``User-Agent`` header, ``""`` when there is none; at most 1,000 characters of it."""
    return str(request.META.get("HTTP_USER_AGENT") or "").replace("\x00", "")[:1000]


def _without_port(hop: str) -> str:
    match = _WITH_PORT.fullmatch(hop)
    return hop if match is None else match[1] or match[2]


@lru_cache(maxsize=1024)
def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None


def _is_in(address: str, networks: tuple[str, ...]) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in _parsed_networks(networks))


@lru_cache(maxsize=8)
def _parsed_networks(
    networks: tuple[str, ...],
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(network, strict=False) for network in networks)
    except ValueError as error:
        raise ImproperJazzAuthSettings(
            f'JAZZAUTH["TRUSTED_PROXIES"]: {error}; give addresses or networks like 10.0.0.0/8.'
        ) from None
