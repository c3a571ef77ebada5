"""What a text names, a file or a database, is decided by what is written; a password in it is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from paycools_async.errors import ConfigurationError
from paycools_async.storage.location import connection_string, file_at, is_postgres, shown

DATABASES = {
    "postgresql://u:pa#ssw0rd@h/d": "postgresql://u@h/d",
    "postgresql://u:pa?ssw0rd@h:5/d?sslmode=require&password=ssw0rd": "postgresql://u@h:5/d?sslmode=require",
    "postgresql://u:pa%23ssw0rd@h/d?options=-csearch_path%3Dx": "postgresql://u@h/d?options=-csearch_path%3Dx",
    "postgresql://u:pa%ssw0rd@h/d": "postgresql://u@h/d",
    "postgresql://u:ssw0rd@h1:1,h2:2/d?target_session_attrs=any": "postgresql://u@h1:1,h2:2/d?target_session_attrs=any",
    "postgresql://h:12/d?user=a@b&sslpassword=ssw0rd": "postgresql://h:12/d?user=a@b",
    "postgresql://[::1]:5/d": "postgresql://[::1]:5/d",
    "postgresql:///d?host=/tmp": "postgresql:///d?host=/tmp",
    "POSTGRES://u@h/d": "postgres://u@h/d",
    "host=h dbname=d password='pa ssw0rd' user=u": "host=h dbname=d user=u",
    "host = h password = pa\\ ssw0rd": "host=h",
    "service=pay": "service=pay",
    "dbname=postgresql://u:ssw0rd@h/d": "(a PostgreSQL connection string)",
    "password=ssw0rd": "(a PostgreSQL connection string)",
    "hots=h pasword=ssw0rd": "(a PostgreSQL connection string)",
    "password=pa ssw0rd host=h": "(a PostgreSQL connection string)",
    "Host=h;Password=ssw0rd;Username=u": "(a PostgreSQL connection string)",
}


@pytest.mark.parametrize(("written", "printed"), DATABASES.items())
def test_a_database_is_known_by_how_it_is_written_and_shown_without_its_password(written: str, printed: str) -> None:
    assert is_postgres(written)
    assert shown(written) == printed
    with pytest.raises(ConfigurationError) as caught:
        file_at(written)
    assert "ssw0rd" not in str(caught.value)


FILES = ["l.db", "./host=h", "/a/host=h", "C:\\l.db", "C:/l.db", "C:\\a@b\\l.db", "C:/a@b.db", "run=1.db", "a b.db"]
ODD_FILES = ["a@b.db", "me@work/l.db", "10:30.db", "a:b/l.db", "/a:b@c/l.db", "./u:p@h.db", "../a@b:5.db", "//h/s/l.db"]


@pytest.mark.parametrize("written", [*FILES, *ODD_FILES, "\\\\h\\s@1\\l.db"])
def test_everything_else_is_a_file(written: str) -> None:
    assert not is_postgres(written)
    assert shown(written) == written
    assert file_at(written) == Path(written)
    with pytest.raises(ConfigurationError, match="is a file; this needs a PostgreSQL database"):
        connection_string(written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "no place is named"),
        ("  ", "no place is named"),
        ("mysql://u:ssw0rd@h/d", "mysql: is not known here, it takes a file or postgresql://..."),
        ("postgresql+psycopg://u:ssw0rd@h/d", "the URL begins with postgresql://"),
        ("postgresql:/h/d", "the URL begins with postgresql://"),
        (
            "jdbc:postgresql://u:ssw0rd@h/d",
            "jdbc: is not known here",
        ),
        ("jdbc:oracle:thin:u/ssw0rd", "the URL begins with postgresql://"),
        ("u:ssw0rd@127.0.0.1:5522/pay", "written postgresql://user@host/database"),
        ("//u:ssw0rd@h/pay", "written postgresql://user@host/database"),
        ("//ssw0rd@h/pay", "written postgresql://user@host/database"),
        ("ssw0rd@db:5432/pay", "a file of such a name is written ./NAME"),
        ("u:ssw0rd@db.example", "written postgresql://user@host/database"),
        (":ssw0rd@h", "written postgresql://user@host/database"),
        ("u:pa/ssw0rd@h", "written postgresql://user@host/database"),
        ("psql postgresql://u:ssw0rd@h/d", "written postgresql://user@host/database"),
        ("mysql:/u:ssw0rd@h/d", "written postgresql://user@host/database"),
    ],
)
def test_what_is_neither_is_refused(written: str, told: str) -> None:
    for ask in (is_postgres, file_at, connection_string):
        with pytest.raises(ConfigurationError) as caught:
            ask(written)
        assert told in str(caught.value)
        assert "ssw0rd" not in str(caught.value) + shown(written)


def test_an_empty_path_names_no_place_either() -> None:
    with pytest.raises(ConfigurationError, match="no place is named"):
        file_at(Path(""))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("postgresql://u:pa@ssw0rd@h/d", "written %40"),
        ("postgresql://u:pa/ssw0rd@h/d", "written %2F"),
        ("postgresql://u:12/ssw0rd@h/d", "written %2F"),
        ("postgresql://u:12/pa?ssw0rd@h/d", "written %2F"),
        ("postgresql://u:ssw0rd", "port is not a number"),
        ("host=h;password=ssw0rd", "separated by blanks, not by ;"),
    ],
)
def test_a_password_that_libpq_would_take_for_a_host_or_a_database_is_refused(written: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connection_string(written)
    assert told in str(caught.value)
    assert "ssw0rd" not in str(caught.value) + shown(written)


def test_a_percent_sign_that_begins_no_escape_stands_for_itself() -> None:
    assert connection_string("postgresql://u:50%@h/d") == "postgresql://u:50%25@h/d"
    assert connection_string("postgresql://u:50%25@h/d") == "postgresql://u:50%25@h/d"
