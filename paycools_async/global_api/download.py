"""Fetch a file from a temporary link: streamed, bounded, whole or not at all.

The link comes from an answer, so it leads where PayCools, or whoever answers in its name, wants: never to this machine
or its network, unless the client talks to a test system there. The file holds what merchants earn, so its owner alone
can read it, before it is whole as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import attrs

from ..errors import DeadlineExceeded, FileError, UnexpectedAnswer
from ..product import Sender
from ..texts import shown_text
from ..urls import is_local_host, is_loopback_host

__all__ = ["ReportFile", "fetch"]

Progress = Callable[[int, int | None], None]


@attrs.frozen
class ReportFile:
    """A file that was fetched, and its size in bytes."""

    path: Path
    size: int


async def fetch(
    client: Sender, url: str, path: Path, *, progress: Progress | None, max_bytes: int, within: float
) -> ReportFile:
    """Fetch `url` into `path` by way of a file beside it. The link is a secret and stands in no error."""
    local = is_local_host(urlsplit(client.base_url).hostname or "")
    host = _checked(url, local=local)
    part = _Part(path)
    try:
        await part.on_disk(part.open)
        async with client._stream(url, within=within, public_only=not local) as answer:
            size = await _copied(answer, host, part, progress, max_bytes)
        await part.on_disk(part.finish)
    except DeadlineExceeded as error:
        raise DeadlineExceeded(
            f"the report from {host} did not arrive in {within:g} seconds", outcome=error.outcome
        ) from None
    finally:
        part.discard()
    return ReportFile(path, size)


class _Part:
    """The file while it comes, beside the one that it becomes."""

    def __init__(self, target: Path) -> None:
        self._target = target
        try:
            os.fsencode(target)
            self._path = target.with_name(f".paycools-{secrets.token_hex(16)}.part")
        except ValueError:  # half a character, or a path without a name
            raise FileError(f"{shown_text(target)}: is no name of a file") from None
        if "\0" in str(target) or target.name in ("", ".."):
            raise FileError(f"{shown_text(target)}: is no name of a file")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        # what is there already, a link too, is an error and not followed
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb")

    def write(self, chunk: bytes) -> None:
        assert self._file is not None  # noqa: S101 - it was opened first
        self._file.write(chunk)

    def finish(self) -> None:
        assert self._file is not None  # noqa: S101
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._target)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
            self._path.unlink()

    async def on_disk(self, function: Callable[..., None], *values: Any) -> None:
        """In a thread, and to its end even where the caller is cancelled: no file is closed while it is written."""
        working = asyncio.ensure_future(asyncio.to_thread(function, *values))
        try:
            await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])
            raise
        except (OSError, ValueError) as error:
            what = getattr(error, "strerror", None) or type(error).__name__
            raise FileError(f"{self._target}: cannot be written: {what}") from None


def _checked(url: str, *, local: bool) -> str:
    """The host of a link that may be followed."""
    host, safe = "", False
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port  # a bad port is a ValueError
        here = local and is_loopback_host(host)
        safe = "@" not in parts.netloc and (parts.scheme == "https" or (parts.scheme == "http" and here))
    if not host or not safe or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise UnexpectedAnswer("the report's link is no https link; it was not followed", status=200)
    if is_local_host(host) and not local:
        raise UnexpectedAnswer(
            "the report's link leads to this machine or a private network; it was not followed", status=200
        )
    return host


async def _copied(answer: Any, host: str, part: _Part, progress: Progress | None, max_bytes: int) -> int:
    if answer.status != 200:
        raise UnexpectedAnswer(f"HTTP {answer.status} from {host} instead of the report", status=answer.status)
    total = _length_of(answer.headers)
    _check_size(total or 0, max_bytes, host)
    done = 0
    chunks = aiter(answer.chunks)
    while chunk := await _next(chunks, host, done):
        done += len(chunk)
        _check_size(done, max_bytes, host)
        await part.on_disk(part.write, chunk)
        if progress is not None:
            progress(done, total)
    if total is not None and done != total:
        raise UnexpectedAnswer(f"the report from {host} has {done} bytes instead of {total}", status=200)
    return done


async def _next(chunks: Any, host: str, done: int) -> bytes:
    """The next piece; none at the end."""
    try:
        chunk: bytes = await anext(chunks, b"")
    except DeadlineExceeded:
        raise
    except Exception:  # noqa: BLE001 - of whatever transport
        raise UnexpectedAnswer(f"the report from {host} was cut off after {done} bytes", status=200) from None
    return chunk


def _length_of(headers: Any) -> int | None:
    """The bytes that are announced."""
    for name, value in headers.items():
        if name.lower() == "content-length" and value.isdecimal() and len(value) < 20:
            return int(value)
    return None


def _check_size(size: int, max_bytes: int, host: str) -> None:
    if size > max_bytes:
        raise UnexpectedAnswer(f"the report from {host} is larger than {max_bytes} bytes", status=200)
