"""The same account, name and amount twice in a file: perhaps somebody is to be paid twice, under two order ids."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

import attrs

from .results import Order, RowError

__all__ = ["Repeats"]

_KEPT = 20


@attrs.define
class Repeats:
    """Watches orders go by. `found`: the first pairs of lines; `count`: all of them. Knows no account afterwards.

    A name is the same name with more blanks in it, or other capitals.
    """

    found: list[tuple[int, int]] = attrs.field(factory=list)
    count: int = 0

    def watching(self, orders: Iterable[Order | RowError]) -> Iterator[Order | RowError]:
        """The same orders."""
        with self.looking() as look:
            for order in orders:
                if isinstance(order, Order):
                    request = order.request
                    look(order.line, request.account_no, request.account_name, request.amount)
                yield order

    @contextmanager
    def looking(self) -> Iterator[Callable[[int, str, str | None, int], None]]:
        """Takes each payout's line, account, name and amount.

        What was seen is kept as keyed hashes, in a file of SQLite's own where it is much.
        """
        # the key is a secret of this moment: nobody can try out account numbers on what is left in a file
        key = os.urandom(32)
        with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as seen:
            seen.execute("PRAGMA journal_mode=OFF")
            seen.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            seen.execute("BEGIN")

            def look(line: int, account: str, name: str | None, amount: int) -> None:
                text = repr((account, " ".join((name or "").split()).casefold(), amount)).encode()
                self._note(seen, hashlib.blake2b(text, key=key, digest_size=16).digest(), line)

            yield look

    def _note(self, seen: sqlite3.Connection, known: bytes, line: int) -> None:
        if seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (known, line)).rowcount:
            return
        self.count += 1
        if len(self.found) < _KEPT:
            [(first,)] = seen.execute("SELECT line FROM seen WHERE hash = ?", (known,))
            self.found.append((first, line))
