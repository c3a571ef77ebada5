"""The SQLite ledger's tables, and how those of earlier versions become them.

`payouts` is the present, `moves` the past, append-only. `batches` says which rows were shown together, `batch_log` who
offered, released and withdrew them.
"""

# ruff: noqa: S608 - all text is ours

from __future__ import annotations

__all__ = ["MIGRATIONS", "NEW_MARKS", "SCHEMA", "SHOWN", "VERSION"]

VERSION = 4

# tables of version 2; a new ledger is made as one, and then brought up to date as any other
_PAYOUTS = """
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL,
    -- 0, or the row's own id: an order that was taken back may be offered again, as a new row
    withdrawn INTEGER NOT NULL DEFAULT 0,
    idempotency_id TEXT,
    intake INTEGER NOT NULL,
    line INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    due REAL NOT NULL DEFAULT 0,
    resends INTEGER NOT NULL DEFAULT 0,
    looks INTEGER NOT NULL DEFAULT 0,
    absent_since REAL,
    entered REAL NOT NULL,
    sent REAL,
    transaction_id TEXT,
    code INTEGER,
    message TEXT,
    updated REAL NOT NULL,
    UNIQUE (order_id, withdrawn)
);
"""

_BATCHES = """
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    offered_by TEXT NOT NULL,
    offered_at REAL NOT NULL
);
CREATE TABLE batch_log (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    by TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL
);
CREATE TRIGGER batch_log_stays BEFORE UPDATE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER batch_log_lasts BEFORE DELETE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""

_INDEXES = """
CREATE INDEX payouts_due ON payouts (state, intake, due);
CREATE INDEX payouts_intake ON payouts (intake);
CREATE INDEX payouts_idempotency ON payouts (idempotency_id) WHERE idempotency_id IS NOT NULL;
"""

_VERSION_2 = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('epoch', '0');
{_PAYOUTS}{_BATCHES}{_INDEXES}
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    payout INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    message TEXT
);
CREATE TRIGGER moves_stay BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
"""

_TO_VERSION_2 = f"""
DROP VIEW IF EXISTS moving;
DROP INDEX payouts_due;
ALTER TABLE payouts RENAME TO payouts_1;
{_PAYOUTS}{_BATCHES}
-- what was planned and not sent waits for a yes; what PayCools has by its own word and did not show is looked for again
INSERT INTO payouts SELECT id, order_id, 0, NULL, intake, line, amount, body, digest,
    CASE state WHEN 'planned' THEN 'offered' ELSE state END, reason, due, resends, looks, absent_since,
    CASE WHEN state = 'planned' AND resends = 0 THEN updated ELSE 0 END,
    CASE WHEN state <> 'planned' THEN updated END, transaction_id, code, message, updated
FROM payouts_1;
DROP TABLE payouts_1;
UPDATE payouts SET state = 'unknown', reason = 'duplicate', due = 0 WHERE state = 'conflict' AND id IN (
    SELECT payout FROM (SELECT payout, event, max(id) FROM moves GROUP BY payout) WHERE event = 'absent');
{_INDEXES}
INSERT INTO batches SELECT intake, '', '', count(*), sum(amount), '', min(updated) FROM payouts GROUP BY intake;
INSERT OR IGNORE INTO meta VALUES ('epoch', '0');
PRAGMA user_version = 2;
"""

# what is kept of a file and not sent: a row's cells, and a batch's names of columns; both as JSON
_TO_VERSION_3 = """
ALTER TABLE payouts ADD COLUMN beside TEXT;
ALTER TABLE batches ADD COLUMN beside TEXT;
PRAGMA user_version = 3;
"""

# an application's batch takes payouts one by one; `told` is the last state that the application has acknowledged ("":
# none; null: the payout is a file's), and `tell_due` when it is to be called again
_TO_VERSION_4 = """
ALTER TABLE batches ADD COLUMN application TEXT;
CREATE UNIQUE INDEX batches_application ON batches (application) WHERE application IS NOT NULL;
ALTER TABLE payouts ADD COLUMN told TEXT;
ALTER TABLE payouts ADD COLUMN tell_due REAL NOT NULL DEFAULT 0;
CREATE INDEX payouts_untold ON payouts (intake, tell_due) WHERE told IS NOT NULL AND told <> state
    AND state IN ('settled', 'failed', 'withdrawn', 'preexisting', 'conflict');
PRAGMA user_version = 4;
"""

SCHEMA = f"{_VERSION_2}{_TO_VERSION_3}{_TO_VERSION_4}"

MIGRATIONS = {
    1: f"{_TO_VERSION_2}{_TO_VERSION_3}{_TO_VERSION_4}",
    2: f"{_TO_VERSION_3}{_TO_VERSION_4}",
    3: _TO_VERSION_4,
}
"""By the version that a ledger is of."""

# for those who only read: earlier versions as they would be after their migration
_SHOWN_1 = """
CREATE TEMP VIEW payouts AS
SELECT id, order_id, 0 AS withdrawn, NULL AS idempotency_id, intake, line, amount, body, digest,
    CASE WHEN state = 'planned' THEN 'offered' WHEN doubled THEN 'unknown' ELSE state END AS state,
    CASE WHEN doubled THEN 'duplicate' ELSE reason END AS reason,
    CASE WHEN doubled THEN 0.0 ELSE due END AS due, resends, looks, absent_since,
    CASE WHEN state = 'planned' AND resends = 0 THEN updated ELSE 0.0 END AS entered,
    CASE WHEN state <> 'planned' THEN updated END AS sent, transaction_id, code, message, updated,
    NULL AS beside, NULL AS told, 0.0 AS tell_due
FROM (
    SELECT p.*, state = 'conflict' AND (
        SELECT event = 'absent' FROM main.moves WHERE payout = p.id ORDER BY id DESC LIMIT 1) AS doubled
    FROM main.payouts p
);
CREATE TEMP VIEW batches AS
SELECT intake AS id, '' AS file, '' AS sha256, count(*) AS payouts, sum(amount) AS amount, '' AS offered_by,
    min(updated) AS offered_at, NULL AS beside, NULL AS application
FROM main.payouts GROUP BY intake;
CREATE TEMP VIEW batch_log AS
SELECT 0 AS id, 0 AS batch, 0.0 AS at, '' AS event, '' AS by, 0 AS payouts, 0 AS amount WHERE false;
"""

_SHOWN_2 = """
CREATE TEMP VIEW payouts AS SELECT *, NULL AS beside, NULL AS told, 0.0 AS tell_due FROM main.payouts;
CREATE TEMP VIEW batches AS SELECT *, NULL AS beside, NULL AS application FROM main.batches;
"""

_SHOWN_3 = """
CREATE TEMP VIEW payouts AS SELECT *, NULL AS told, 0.0 AS tell_due FROM main.payouts;
CREATE TEMP VIEW batches AS SELECT *, NULL AS application FROM main.batches;
"""

SHOWN = {1: _SHOWN_1, 2: _SHOWN_2, 3: _SHOWN_3}
"""By the version that a ledger is of."""

NEW_MARKS = """
INSERT OR IGNORE INTO meta VALUES ('ledger_id', lower(hex(randomblob(16)))), ('open', ''), ('epoch', '0');
"""
