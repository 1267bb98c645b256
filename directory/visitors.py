"""Where a request comes from: the socket's address, or what a proxy of ours says of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from django.conf import settings
from django.http import HttpRequest

MOST_HOPS: Final = 20

Network = IPv4Network | IPv6Network


def client_address(remote_addr: str, *, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """Who asks: the socket's address, or what a trusted proxy says of it, unchecked.

    Only the last forwarded address that is no proxy of ours counts: the ones before
    it were written by whoever sent the request.
    """
    address = remote_addr
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()][-MOST_HOPS:]
    while hops and is_among(address, proxies):
        address = hops.pop()
    return address


def is_among(address: str, networks: Sequence[Network]) -> bool:
    """Whether `address` is one, and lies in one of `networks`."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in networks)


def address_of(request: HttpRequest) -> str:
    """The address of whoever asks; empty where there is none, as on a local socket."""
    address = client_address(
        request.META.get("REMOTE_ADDR", ""),
        forwarded_for=request.META.get("HTTP_X_FORWARDED_FOR", ""),
        proxies=networks(tuple(settings.TRUSTED_PROXIES)),
    )
    try:
        return str(ip_address(address))
    except ValueError:
        return ""


@lru_cache(maxsize=4)
def networks(written: tuple[str, ...]) -> tuple[Network, ...]:
    """Addresses and networks as they stand in the settings."""
    return tuple(ip_network(each, strict=False) for each in written)
