"""The path that an endpoint is called by, and how sure it is."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from ..endpoint import Endpoint, Provenance
from ..errors import (
    ConfigurationError,
    EndpointUnpublishedError,
    FieldError,
    InvalidRequest,
    UnverifiedEndpointWarning,
    level_outside,
)
from ..urls import path_fault
from .log import log_info

__all__ = ["checked_paths", "fill_path", "path_of"]


def path_of(endpoint: Endpoint, paths: Mapping[str, str], warned: set[str]) -> str:
    """The path the caller gave, or the endpoint's own. An inferred one warns once; `warned` remembers."""
    path = paths.get(endpoint.id, endpoint.path)
    if path is None:
        raise EndpointUnpublishedError(
            f"{endpoint.id} ({endpoint.nav}): its path is in no public document. Ask your PayCools account "
            f'manager for it and pass paths={{"{endpoint.id}": "/..."}} to the client; nothing was sent'
        )
    inferred = endpoint.provenance is Provenance.INFERRED and endpoint.id not in paths
    if inferred and endpoint.id not in warned:
        warned.add(endpoint.id)
        log_info(
            "%s: the path %s is inferred", endpoint.id, path, extra={"event": "inferred_path", "operation": endpoint.id}
        )
        warnings.warn(
            f"{endpoint.id}: the path {path} is inferred, not documented; confirm it with PayCools, "
            "and override it with paths= if it differs",
            UnverifiedEndpointWarning,
            stacklevel=level_outside(),
        )
    return path


_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def checked_paths(paths: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """The paths that a caller gives, by endpoint id. Raises ConfigurationError for one that cannot be."""
    for id, path in paths.items():
        if id not in known:
            raise ConfigurationError(f"paths: there is no endpoint {id!r}")
        fault = path_fault(_PLACEHOLDER.sub("x", path) if isinstance(path, str) else path)
        if fault is not None:
            raise ConfigurationError(f"paths: the path of {id} {fault}")
    return dict(paths)


def fill_path(endpoint: Endpoint, path: str, fields: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The path with its values, and the fields that are in it."""
    used = {name: fields[name] for name in _PLACEHOLDER.findall(path) if name in fields}
    for name, value in used.items():
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
    if "{" in path:
        raise ConfigurationError(f"paths: {endpoint.id} has no field for all of {path}; nothing was sent")
    astray = [name for name, value in used.items() if value in (".", "..")]  # `quote` takes care of all else
    if astray:
        raise InvalidRequest(endpoint.id, [FieldError(name, "leads to another path") for name in astray])
    return path, used
