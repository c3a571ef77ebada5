"""This machine: what is installed, its terminal, its folder for temporary files, proxies and certificates."""

from __future__ import annotations

import codecs
import importlib.util
import os
import ssl
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from ...errors import ConfigurationError
from ..network import chosen_network
from .findings import Finding, fault, fine, warning

__all__ = ["look_at_machine", "look_at_network"]

_FEW_FILES = 256


def look_at_machine() -> Iterator[Finding]:
    """What a batch needs of it."""
    yield from _python()
    yield from _terminal(sys.stdout)
    yield from _temporary()
    yield from _open_files()


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    missing = [name for name in ("cryptography", "uvloop") if importlib.util.find_spec(name) is None]
    if missing and sys.platform != "win32":
        cure = 'pip install "paycools-async[fast]"'
        yield warning("python", f"Python {version}, without {' and '.join(missing)}: signing is slower", cure)
    else:
        yield fine("python", f"Python {version}")


def _terminal(stream: TextIO | None) -> Iterator[Finding]:
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        whole = codecs.lookup(encoding).name.startswith("utf")
    except LookupError:
        whole = False
    if not whole:
        text = f"what is printed is encoded as {encoding}: letters that it does not have are shown as \\u codes"
        yield warning("terminal", text, "set PYTHONIOENCODING=utf-8, and let the terminal show UTF-8")


def _temporary() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"x")
            file.flush()
        yield fine("temporary", f"files can be written in {tempfile.gettempdir()}")
    except OSError as error:
        cure = "set TMPDIR to a folder that can be written"
        yield fault("temporary", f"there is no folder for temporary files ({error.strerror or error})", cure)


def _open_files() -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if 0 <= most < _FEW_FILES:
        cure = f"ulimit -n {_FEW_FILES * 4}, or run with a lower --concurrency"
        yield warning("open_files", f"a process may have {most} open files and connections", cure)


# -- the way to PayCools ----------------------------------------------------------------------------------------------


def look_at_network(base_url: str | None, env: Mapping[str, str]) -> Iterator[Finding]:
    """The proxy and the authorities that calls go by, before there is a call."""
    proxy, ca_file = chosen_network()
    host = urlsplit(base_url or "").hostname or ""
    yield from _proxy(proxy, host)
    yield from _authorities(ca_file, env)


def _proxy(given: str | None, host: str) -> Iterator[Finding]:
    from ...transports.routes import checked_proxy

    name = "--proxy" if given is not None else "HTTPS_PROXY"
    found = given if given is not None else urllib.request.getproxies().get("https")
    if not found:
        return
    try:
        checked_proxy(found)
    except ConfigurationError as error:
        yield fault("proxy", f"{name}: {error}", f"correct {name}, or take it away")
        return
    parts = urlsplit(found)
    place = f"{parts.hostname}:{parts.port}"  # without a password
    if given is None and host and urllib.request.proxy_bypass(host):
        yield fine("proxy", f"{place}, and not for {host} (NO_PROXY)")
    else:
        yield fine("proxy", f"calls go by way of {place}; its address is what PayCools' white list sees")


def _authorities(ca_file: Path | None, env: Mapping[str, str]) -> Iterator[Finding]:
    from ...transports.routes import trusted

    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        place = env.get(name)
        if place and not os.access(place, os.R_OK):
            cure = f"correct {name}, or take it away"
            yield fault("certificates", f"{name} names what is not there, or cannot be read", cure)
    try:
        if ca_file is not None:
            trusted(ca_file)
    except ConfigurationError as error:
        yield fault("certificates", f"--{str(error).replace('ca_file', 'ca-file', 1)}", "give a PEM file")
        return
    if ca_file is None and not any(env.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")):
        paths = ssl.get_default_verify_paths()
        if paths.cafile is None and paths.capath is None and sys.platform not in ("win32", "darwin"):
            cure = "install the system's ca-certificates, or give --ca-file"
            yield fault("certificates", "this machine believes no certificate authority", cure)
