"""A ledger, looked at and not touched: whether it can be read and written, whose it is, and who can read it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from ...batch import Identity
from ...batch.ledger.sqlite.file import SUFFIXES
from ...errors import ConfigurationError, PayCoolsError
from ...settings import setting
from ..console import plain
from ..ledger_url import LEDGER, is_postgres, reading, shown
from .findings import Finding, fault, fine, warning

__all__ = ["look_at_ledger"]

_OTHERS = 0o077
_LITTLE = 100 * 1024 * 1024


async def look_at_ledger(given: str | None, identity: Identity | None, env: Mapping[str, str]) -> list[Finding]:
    """What `--ledger` says, else PAYCOOLS_LEDGER. `identity`: whose ledger it should be, where that is known."""
    try:
        ledger = setting(env, LEDGER, may_end_quoted=is_postgres) if given is None else given
        if ledger is None:
            return []
        is_postgres(ledger)
    except ConfigurationError as error:
        if given is not None:
            return [fault("ledger", f"--ledger: {error}", "check --ledger")]
        return [fault("ledger", str(error), "correct the variable")]
    source = LEDGER if given is None else "--ledger"
    return [attrs.evolve(each, cure=each.cure.replace("--ledger", source)) for each in await _look_at(ledger, identity)]


async def _look_at(ledger: str, identity: Identity | None) -> list[Finding]:
    found: list[Finding] = []
    name = plain(shown(ledger))
    if not is_postgres(ledger):
        found += [*_folder(Path(ledger).parent), *_file(Path(ledger))]
        if not _is_there(ledger):
            cure = "`paycools payouts run` makes it; or check --ledger"
            return found or [warning("ledger", f"{name}: is not there yet", cure)]
        if not _is_file(ledger):
            return found
    try:
        async with reading(ledger, identity) as opened:
            batches, paused, place = await opened.batches(), await opened.paused(), await opened.destination()
    except PayCoolsError as error:
        return [*found, fault("ledger", str(error), _cure(str(error)))]
    where = f", pays to {plain(place['host'])}" if place.get("host") else ""
    found.append(fine("ledger", f"{name}: {len(batches)} batch{'' if len(batches) == 1 else 'es'}{where}"))
    if paused is not None:
        cure = "mend that, then `paycools payouts resume`"
        found.append(warning("ledger", f"sending is paused: {plain(paused)}", cure))
    return found


def _is_there(ledger: str) -> bool:
    return os.path.lexists(ledger)


def _is_file(ledger: str) -> bool:
    return os.path.isfile(ledger)


def _cure(text: str) -> str:
    if "newer version" in text:
        return "pip install --upgrade paycools-async"
    if "is no ledger" in text or "no such ledger" in text or "ledger of refunds" in text:
        return "check --ledger"
    if "extra" in text:
        return 'pip install "paycools-async[postgres]"'
    if "merchant" in text or "belongs" in text or "account" in text:
        return "use the settings that it was paid with (a sandbox's: --sandbox), or another ledger"
    return "see the message, and docs/payouts.md"


def _folder(folder: Path) -> Iterator[Finding]:
    folder = folder if str(folder) else Path()
    if not folder.is_dir():
        yield fault("ledger", f"{plain(str(folder))}: there is no such folder", "make it, or check --ledger")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        cure = "choose another folder, or mount it for writing; a ledger needs files beside it"
        yield fault("ledger", f"{plain(str(folder))}: nothing can be written there", cure)
        return
    free = shutil.disk_usage(folder).free
    if free < _LITTLE:
        yield warning("ledger", f"{plain(str(folder))}: {free // 1_000_000} MB are free", "make room")


def _file(path: Path) -> Iterator[Finding]:
    for suffix in SUFFIXES:
        part = path.with_name(path.name + suffix)
        try:
            found = part.lstat()
        except OSError:
            continue
        name = plain(str(part))
        if stat.S_ISLNK(found.st_mode):
            yield fault("ledger", f"{name}: is a link, and none is followed", "give the file itself")
        elif stat.S_ISDIR(found.st_mode):
            yield fault("ledger", f"{name}: is a folder, and no file", f"name a file in it: {name}/payouts.db")
        elif not stat.S_ISREG(found.st_mode):
            yield fault("ledger", f"{name}: is no file that keeps anything", "check --ledger")
        elif hasattr(os, "getuid") and found.st_uid != os.getuid():
            owner = f"it is the user's with number {found.st_uid}, and this is {os.getuid()}"
            yield fault("ledger", f"{name}: {owner}", "run as its owner, or `chown` it")
        elif os.name != "nt" and found.st_mode & _OTHERS:
            mode = stat.S_IMODE(found.st_mode)
            yield fault("permissions", f"{name}: others can read it (mode {mode:03o})", f"chmod 600 {name}")
        elif not os.access(part, os.R_OK | os.W_OK):
            yield fault("ledger", f"{name}: cannot be written", f"chmod u+rw {name}, or mount it for writing")
