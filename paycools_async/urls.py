"""Parts of URLs: which hosts are this machine or a private network, and what a path may hold. Pure, no I/O."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

__all__ = ["is_local_host", "is_loopback_host", "is_public_address", "path_fault"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address stands in the last 32 bits

_INSIDE = [  # what Python's tables call global, or do so in some versions
    ipaddress.ip_network(each)
    for each in ("fec0::/10", "64:ff9b:1::/48", "2001::/32", "2002::/16", "::/96", "100.64.0.0/10", "192.88.99.0/24")
]


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
    if address is None or not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _INSIDE if network.version == address.version)


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


_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")  # RFC 3986, 3.3


def path_fault(path: str) -> str | None:
    """Why a text is no plain path of the host; None where it is one.

    It is put behind the host as it is, so it must begin with a slash, and must hold nothing that ends the path, names
    another host, or is read as another path by whoever comes next.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        return "begins with a slash"
    if _CHARACTERS.fullmatch(path) is None:
        return "may hold letters, digits and the marks of a path: no query, fragment, backslash, blank or other letter"
    plain = unquote(path, errors="replace")
    if "%" in plain:  # decoded once more by whoever comes next, it would be another path
        return "may hold no percent sign that is itself encoded"
    if "//" in plain or "\\" in plain:
        return "may hold no double or backward slash"
    if not plain.isprintable():
        return "may hold no invisible character"
    if any(part.split(";")[0].strip() in (".", "..") for part in plain.split("/")):  # servers drop parameters behind ;
        return "may hold no . or .. between slashes"
    return None
