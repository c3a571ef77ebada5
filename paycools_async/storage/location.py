"""What a text names that says where something is kept: a SQLite file, or a PostgreSQL database.

Decided by what is written, and by nothing that is there or not: a PostgreSQL URL, or a libpq string (`host=db
dbname=pay`, `service=pay`), is a database. What looks like the address of one and is none of these is refused, never
taken for a file: any `scheme://`, `jdbc:`, `user:password@host`, `user@host:port`, `//user@host`. Everything else is a
file, `a@b.db` and `me@work/a.db` too; with `./` before it every name is one. No password that stands in such a text is
shown.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError

__all__ = ["connection_string", "file_at", "is_postgres", "shown"]

# libpq's keywords (PostgreSQL 18, 32.1.2): those whose values are no secrets, and the others
_SHOWN = """
    service servicefile user passfile channel_binding connect_timeout dbname host hostaddr port client_encoding
    options application_name fallback_application_name keepalives keepalives_idle keepalives_interval
    keepalives_count tcp_user_timeout sslmode sslnegotiation sslcompression sslcert sslkey sslcertmode sslrootcert
    sslcrl sslcrldir sslsni requirepeer require_auth min_protocol_version max_protocol_version
    ssl_min_protocol_version ssl_max_protocol_version gssencmode krbsrvname gsslib gssdelegation replication
    target_session_attrs load_balance_hosts sslkeylogfile
"""
_NOT_SHOWN = """
    password sslpassword scram_client_key scram_server_key oauth_issuer oauth_client_id oauth_client_secret oauth_scope
"""
_SHOWN_KEYWORDS: Final = frozenset(_SHOWN.split())
_KEYWORDS: Final = _SHOWN_KEYWORDS | frozenset(_NOT_SHOWN.split())
_URL = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(postgres(?:ql)?(?:\+\w+)?|jdbc):", re.IGNORECASE)
_DRIVE = re.compile(r"[a-z]:[/\\]", re.IGNORECASE)
_ADDRESS = re.compile(
    r"""[^/\\]*[\w+.-]{2}://  # a URL after some other word
    | (?://)?[^/\\:]*:.*@     # user:password@host
    | //[^/\\]*@              # //user@host
    | [^/\\]*@[^/\\]*:\d     # user@host:port
    """,
    re.DOTALL | re.VERBOSE,
)
_KEYWORD = re.compile(rf"(?:^|\s)(?:{'|'.join(sorted(_KEYWORDS))})\s*=", re.IGNORECASE)
_SETTING = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|(?=\s|\Z))", re.DOTALL)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNREADABLE = "(a PostgreSQL connection string)"


def is_postgres(location: str | os.PathLike[str]) -> bool:
    """Whether it names a PostgreSQL database, not a file.

    Raises ConfigurationError where nothing is named, or what is neither.
    """
    text = os.fspath(location).strip()
    if not text or text == ".":  # as `Path("")` is written
        raise ConfigurationError("no place is named: it takes a file, or postgresql://...")
    if _URL.match(text):
        return True
    scheme = _SCHEME.match(text)
    if scheme is not None:
        written = scheme[1] or scheme[2]
        known = written.lower().startswith(("postgres", "jdbc"))
        advice = "; the URL begins with postgresql://" if known else ""
        raise ConfigurationError(f"{written}: is not known here, it takes a file or postgresql://...{advice}")
    before, sign, _ = text.partition("=")
    if sign and not re.search(r"[/\\]", before) and (_KEYWORD.search(text) or len(_settings(text)) > 1):
        return True  # `hots=db pasword=...` would be a file of that name
    if _ADDRESS.match(text) and not _DRIVE.match(text):
        raise ConfigurationError(
            "this looks like a database's address: it is written postgresql://user@host/database; "
            "a file of such a name is written ./NAME"
        )
    return False


def file_at(location: str | os.PathLike[str]) -> Path:
    """The file that it names. Raises ConfigurationError where it names none."""
    if is_postgres(location):
        raise ConfigurationError(f"{shown(location)} is a PostgreSQL database; this needs a file")
    return Path(location)


def connection_string(location: str | os.PathLike[str]) -> str:
    """The database that it names, as libpq reads it. Raises ConfigurationError; no password is ever in its text.

    A `%` in a URL that begins no escape stands for itself.
    """
    if not is_postgres(location):
        raise ConfigurationError(f"{os.fspath(location)} is a file; this needs a PostgreSQL database: postgresql://...")
    text = os.fspath(location).strip()
    if not _URL.match(text):
        if re.search(r";\s*\w+\s*=", text):
            raise ConfigurationError("the settings of a PostgreSQL connection are separated by blanks, not by ;")
        return text
    scheme, _, rest = text.partition("://")
    _refuse_ambiguous(rest)
    return f"{scheme.lower()}://{_STRAY_PERCENT.sub('%25', rest)}"


def _refuse_ambiguous(rest: str) -> None:
    """What libpq would read as a host, a port or a database, and a person meant as a password, is never tried."""
    _, at, place = _split_login(rest)
    host = re.split(r"[/?]", place, maxsplit=1)[0]
    if at and "@" in host:
        raise ConfigurationError("the PostgreSQL URL has an @ in its user or password: there it is written %40")
    path, _, query = place.partition("?")
    if not at and ":" in host and ("@" in path or ("@" in query and not _is_query(query))):
        # what follows is no address: postgresql://user:pass/word@host
        raise ConfigurationError("the PostgreSQL URL has a / in its user or password: there it is written %2F")
    for each in host.split(","):
        port = "" if each.endswith("]") else each.rpartition(":")[2] if ":" in each else ""
        if port and not port.isdecimal():
            raise ConfigurationError(
                "the PostgreSQL URL's port is not a number; a / in a user or password is written %2F, an @ %40"
            )


def _is_query(query: str) -> bool:
    return all(each.partition("=")[0] in {*_KEYWORDS, "ssl"} for each in query.split("&"))


def _split_login(rest: str) -> tuple[str, str, str]:
    """User and password, the @ after them, and what follows, as libpq splits what stands after `://`."""
    found = re.match(r"[^@/]*@", rest)
    return (rest[: found.end() - 1], "@", rest[found.end() :]) if found else ("", "", rest)


def shown(location: str | os.PathLike[str]) -> str:
    """As it may be printed: a database without its password, or whatever else in it may be a secret."""
    text = os.fspath(location).strip()
    try:
        if not is_postgres(text):
            return text
        text = connection_string(text)
    except ConfigurationError:
        return text if text in ("", ".") else _UNREADABLE
    return _shown_url(text) if _URL.match(text) else _shown_settings(text)


def _shown_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    login, at, place = _split_login(rest)
    address, mark, query = place.partition("?")
    kept = [each for each in query.split("&") if each.partition("=")[0].lower() in {*_SHOWN_KEYWORDS, "ssl"}]
    return f"{scheme}://{login.partition(':')[0]}{at}{address}{mark if kept else ''}{'&'.join(kept)}"


def _shown_settings(text: str) -> str:
    kept = (f"{name}={value}" for name, value in _settings(text) if name in _SHOWN_KEYWORDS and "://" not in value)
    return " ".join(kept) or _UNREADABLE


def _settings(text: str) -> list[tuple[str, str]]:
    """Names and values of a libpq string, as they are written; none where it cannot be read to its end."""
    found, place = [], 0
    while place < len(text.rstrip()):
        setting = _SETTING.match(text, place)
        if setting is None:
            return []
        found.append((setting[1], setting[2]))
        place = setting.end()
    return found
