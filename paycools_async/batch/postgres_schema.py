"""The PostgreSQL ledger's tables, as numbered migrations. `paycools_payouts` is the present, `paycools_moves` the past.

The tables stand in the first schema of the connection's search_path, so that one database can hold several merchants'
ledgers: `postgresql://.../db?options=-csearch_path%3Dshop`.
"""

from __future__ import annotations

from typing import Any

import attrs

from .schema import Row, made
from .states import OPEN, State

__all__ = ["COLUMNS", "GRANTS", "MIGRATIONS", "OPEN_STATES", "LentRow", "lent_row_of"]

OPEN_STATES = ", ".join(f"'{state.value}'" for state in sorted(OPEN))

MIGRATIONS: tuple[str, ...] = (
    f"""
CREATE TABLE paycools_ledger (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE paycools_batches (
    id INTEGER PRIMARY KEY,
    payouts INTEGER NOT NULL,
    shards INTEGER NOT NULL,
    planned DOUBLE PRECISION NOT NULL,
    released BOOLEAN NOT NULL
);
CREATE TABLE paycools_payouts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    intake INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    line INTEGER NOT NULL,
    amount BIGINT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({", ".join(f"'{state.value}'" for state in State)})),
    reason TEXT,
    due DOUBLE PRECISION NOT NULL DEFAULT 0,
    resends INTEGER NOT NULL DEFAULT 0,
    looks INTEGER NOT NULL DEFAULT 0,
    absent_since DOUBLE PRECISION,
    transaction_id TEXT,
    code BIGINT,
    message TEXT,
    updated DOUBLE PRECISION NOT NULL,
    version BIGINT NOT NULL DEFAULT 0,
    worker TEXT
);
CREATE INDEX paycools_payouts_due ON paycools_payouts (state, due, id) WHERE state IN ({OPEN_STATES});
CREATE INDEX paycools_payouts_shard ON paycools_payouts (intake, shard, state, due, id) WHERE state IN ({OPEN_STATES});
CREATE TABLE paycools_moves (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payout BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code BIGINT,
    message TEXT,
    worker TEXT
);
CREATE FUNCTION paycools_moves_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TRIGGER paycools_moves_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON paycools_moves
    FOR EACH STATEMENT EXECUTE FUNCTION paycools_moves_stay();
REVOKE UPDATE, DELETE, TRUNCATE ON paycools_moves FROM PUBLIC, CURRENT_USER;
CREATE TABLE paycools_pace (
    merchant TEXT PRIMARY KEY,
    next DOUBLE PRECISION NOT NULL,
    resume DOUBLE PRECISION NOT NULL
);
""",
)

# an application's role: it may move rows and add to the log; what an order says, and what has happened, it cannot touch
GRANTS = """
GRANT SELECT ON paycools_schema TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON paycools_ledger TO {role};
GRANT SELECT, INSERT, UPDATE ON paycools_batches, paycools_pace TO {role};
GRANT SELECT, INSERT ON paycools_payouts, paycools_moves TO {role};
GRANT UPDATE (state, reason, due, resends, looks, absent_since, transaction_id, code, message, updated, version, worker)
    ON paycools_payouts TO {role};
"""


@attrs.frozen(kw_only=True, slots=False)
class LentRow(Row):
    """A row of the PostgreSQL ledger. Whoever took, moved or freed the row meanwhile has raised its version."""

    version: int


_NAMES = tuple(field.name for field in attrs.fields(LentRow))
COLUMNS = ", ".join(f"p.{name}" for name in _NAMES)


def lent_row_of(values: tuple[Any, ...]) -> LentRow:
    """A LentRow from the values of COLUMNS."""
    return made(LentRow, dict(zip(_NAMES, values, strict=True)))
