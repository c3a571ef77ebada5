"""Fetch a file from a temporary link: streamed, bounded, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import attrs

from ..errors import DeadlineExceeded, TransportError, UnexpectedAnswer

__all__ = ["ReportFile", "fetch"]

_CHUNK = 1 << 16


@attrs.frozen
class ReportFile:
    """A file that was fetched, and its size in bytes."""

    path: Path
    size: int


async def fetch(
    url: str, path: Path, *, progress: Callable[[int, int | None], None] | None, max_bytes: int, within: float
) -> ReportFile:
    """Fetch `url` into `path` by way of a file beside it. The link is a secret and stands in no error."""
    host = _checked(url)
    part = path.with_name(path.name + ".part")
    try:
        file = await asyncio.to_thread(part.open, "wb")
        try:
            async with asyncio.timeout(within):
                size = await _stream(url, host, file, progress, max_bytes)
            await asyncio.to_thread(_flush, file)
        finally:
            file.close()
        await asyncio.to_thread(part.replace, path)
    except TimeoutError:
        raise DeadlineExceeded(f"the report from {host} did not arrive in {within:g} seconds") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return ReportFile(path, size)


def _checked(url: str) -> str:
    """The host of a link that may be followed."""
    host, safe = "", False
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # a bad port is a ValueError
        safe = "@" not in parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and _here(host)))
    if not host or not safe:
        raise UnexpectedAnswer("the report's link is no https link; it was not followed", status=200)
    return host


def _here(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


async def _stream(
    url: str, host: str, file: BinaryIO, progress: Callable[[int, int | None], None] | None, max_bytes: int
) -> int:
    import aiohttp  # a program that fetches no report does not need it
    from yarl import URL

    done = 0
    try:
        # as it travels: a length that is announced is the length on the wire
        async with (
            aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.get(
                URL(url, encoded=True), allow_redirects=False, headers={"Accept-Encoding": "identity"}
            ) as answer,
        ):
            total = answer.content_length
            if answer.status != 200:
                raise UnexpectedAnswer(f"HTTP {answer.status} from {host} instead of the report", status=answer.status)
            _bounded(total or 0, max_bytes, host)
            async for chunk in answer.content.iter_chunked(_CHUNK):
                done += len(chunk)
                _bounded(done, max_bytes, host)
                await asyncio.to_thread(file.write, chunk)
                if progress is not None:
                    progress(done, total)
    except aiohttp.ClientPayloadError:
        raise UnexpectedAnswer(f"the report from {host} was cut off after {done} bytes", status=200) from None
    except (aiohttp.ClientError, ConnectionError) as error:
        raise TransportError(f"{type(error).__name__} from {host}; the report was not fetched") from None
    if total is not None and done != total:
        raise UnexpectedAnswer(f"the report from {host} has {done} bytes instead of {total}", status=200)
    return done


def _bounded(size: int, max_bytes: int, host: str) -> None:
    if size > max_bytes:
        raise UnexpectedAnswer(f"the report from {host} is larger than {max_bytes} bytes", status=200)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
