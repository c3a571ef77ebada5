"""A SQLite ledger of which a part is lost; and one of version 1, shown as version 2 to those who only read it."""

from __future__ import annotations

import sqlite3

__all__ = ["AS_VERSION_2", "lose_everything"]

_OPEN = "state IN ('offered', 'planned', 'sending', 'unknown')"

_LOST = f"""
INSERT INTO moves (payout, at, event, state) SELECT id, :now, 'lost', 'unknown' FROM payouts WHERE {_OPEN} ORDER BY id
"""  # noqa: S608
_UNKNOWN = f"""
UPDATE payouts SET looks = CASE state WHEN 'unknown' THEN looks + 1 ELSE 0 END, state = 'unknown', reason = 'lost',
    due = :now, absent_since = NULL, sent = :now, updated = :now
WHERE {_OPEN}
"""  # noqa: S608
# an id of its own: the original, should it be found after all, is another ledger from now on
_MARKS = """
INSERT OR REPLACE INTO meta VALUES ('recovered', :now), ('ledger_id', lower(hex(randomblob(16)))), ('open', '')
"""


def lose_everything(connection: sqlite3.Connection, now: float) -> None:
    """Whatever is not final may have been sent by the part that is lost. Within the connection's transaction.

    `apply_event` with LOST, for all rows at once. What is entered from now on may have been sent as well.
    """
    connection.execute(_LOST, {"now": now})
    connection.execute(_UNKNOWN, {"now": now})
    connection.execute(_MARKS, {"now": repr(now)})
    connection.execute("DELETE FROM meta WHERE key = 'backup'")


AS_VERSION_2 = """
CREATE TEMP VIEW payouts AS
SELECT id, order_id, 0 AS withdrawn, NULL AS idempotency_id, intake, line, amount, body, digest,
    CASE WHEN state = 'planned' THEN 'offered' WHEN doubled THEN 'unknown' ELSE state END AS state,
    CASE WHEN doubled THEN 'duplicate' ELSE reason END AS reason,
    CASE WHEN doubled THEN 0.0 ELSE due END AS due, resends, looks, absent_since,
    CASE WHEN state = 'planned' AND resends = 0 THEN updated ELSE 0.0 END AS entered,
    CASE WHEN state <> 'planned' THEN updated END AS sent, transaction_id, code, message, updated
FROM (
    SELECT p.*, state = 'conflict' AND (
        SELECT event = 'absent' FROM main.moves WHERE payout = p.id ORDER BY id DESC LIMIT 1) AS doubled
    FROM main.payouts p
);
CREATE TEMP VIEW batches AS
SELECT intake AS id, '' AS file, '' AS sha256, count(*) AS payouts, sum(amount) AS amount, '' AS offered_by,
    min(updated) AS offered_at
FROM main.payouts GROUP BY intake;
CREATE TEMP VIEW batch_log AS
SELECT 0 AS id, 0 AS batch, 0.0 AS at, '' AS event, '' AS by, 0 AS payouts, 0 AS amount WHERE false;
"""
