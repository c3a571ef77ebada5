"""Which addresses are this machine, or a network of one's own, and which are the public Internet."""

from __future__ import annotations

import ipaddress

__all__ = ["is_local_host", "is_loopback_host", "is_public_address"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address stands in the last 32 bits


def is_loopback_host(host: str) -> bool:
    """Whether a URL's host is this machine, by its name or its address. Asks no name server."""
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def is_local_host(host: str) -> bool:
    """Whether a URL's host is this machine or an address of a private network. Asks no name server."""
    return host == "localhost" or (_address(host) is not None and not is_public_address(host))


def is_public_address(text: str) -> bool:
    """Whether an address is one of the public Internet: not loopback, private, link-local, multicast or reserved."""
    address = _address(text)
    return address is not None and address.is_global and not address.is_multicast


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, or the IPv4 address that an IPv6 one stands for; None where it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
