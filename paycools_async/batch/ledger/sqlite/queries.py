"""What the SQLite ledger asks and writes. All text is ours; values come as parameters.

`scope` narrows a question to some batches: ` AND intake IN (..)`.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Collection

from ...states import MAY_BE_SENT, OPEN, UNSENT, State
from ..application import ApplicationBatch, Seen
from ..row import ALL_COLUMNS, COLUMNS, WITHOUT_ORDER, listed

__all__ = [
    "ABANDONED",
    "CLAIM_TO_INQUIRE",
    "CLAIM_TO_SEND",
    "CLASHES",
    "COUNTS_BY_BATCH",
    "ENTER",
    "ENTER_BATCH",
    "FILES_BATCHES",
    "GET",
    "HISTORY",
    "IS_APPLICATION",
    "KNOWN",
    "LOG_BATCH",
    "LOG_LOST",
    "LOG_MOVE",
    "LOSE",
    "MAY_BE_SENT_OF",
    "MOVE",
    "NEVER_SENT",
    "NEXT_DUE",
    "NEXT_NUMBER",
    "NOTE_LOST",
    "OFFERED_OF",
    "OVERDUE",
    "SCHEDULE_INQUIRY",
    "TAKE_UP_AGAIN",
    "by_batch",
    "counts",
    "failures",
    "log_moves",
    "move_rows",
    "oldest_open",
    "page",
    "resent",
    "scope_of",
    "staying",
    "timelines",
]


_APPLICATIONS = "SELECT id FROM batches WHERE application IS NOT NULL"


def scope_of(batches: Seen) -> str:
    """What narrows a question to these batches; None: all files'. An application's is seen by itself alone."""
    if isinstance(batches, ApplicationBatch):
        return f" AND intake = {batches.number}"
    chosen = "" if batches is None else f" AND intake IN ({', '.join(str(int(number)) for number in batches)})"
    return f"{chosen} AND intake NOT IN ({_APPLICATIONS})"


# what the lost part of a ledger may have sent was offered again when it was absent, which is no proof
NEVER_SENT = f"state IN ({listed(UNSENT)}) AND resends = 0 AND coalesce(reason, '') <> 'lost'"
_MAY_BE_SENT = f"state IN ({listed(MAY_BE_SENT)})"

# -- a file's rows ----------------------------------------------------------------------------------------------------

NEXT_NUMBER = "SELECT coalesce(max(id), 0) + 1 FROM batches"

ENTER = """
INSERT INTO payouts
    (order_id, idempotency_id, intake, line, amount, body, digest, beside, state, reason, entered, sent, updated)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, withdrawn) DO NOTHING"""

KNOWN = f"""
SELECT intake, line, digest, state, intake IN ({_APPLICATIONS}) FROM payouts WHERE order_id = ? AND withdrawn = 0"""

# an idempotency id of its own that another row has too, as idempotency id or as order id; and the other way round
CLASHES = """
SELECT a.line, a.idempotency_id, b.order_id FROM payouts a JOIN payouts b ON b.idempotency_id = a.idempotency_id
WHERE a.intake = :batch AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, a.idempotency_id, b.order_id FROM payouts a JOIN payouts b ON b.order_id = a.idempotency_id
WHERE a.intake = :batch AND a.idempotency_id IS NOT NULL AND b.id <> a.id AND b.state <> 'withdrawn'
UNION SELECT a.line, b.idempotency_id, b.order_id FROM payouts b JOIN payouts a ON a.order_id = b.idempotency_id
WHERE a.intake = :batch AND b.intake <> :batch AND b.idempotency_id IS NOT NULL AND b.state <> 'withdrawn'
ORDER BY 1"""

MAY_BE_SENT_OF = f"SELECT count(*) FROM payouts WHERE intake = ? AND {_MAY_BE_SENT}"

ENTER_BATCH = """
INSERT INTO batches (id, file, sha256, payouts, amount, offered_by, offered_at, beside)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
LOG_BATCH = "INSERT INTO batch_log (batch, at, event, by, payouts, amount) VALUES (?, ?, ?, ?, ?, ?)"

# -- what a person decides --------------------------------------------------------------------------------------------

OFFERED_OF = "SELECT count(*), coalesce(sum(amount), 0) FROM payouts WHERE intake = ? AND state = 'offered'"
IS_APPLICATION = "SELECT 1 FROM batches WHERE id = ? AND application IS NOT NULL"
FILES_BATCHES = "SELECT id FROM batches WHERE application IS NULL"


def by_batch(where: str) -> str:
    """How many rows, of how many minor units, of each batch."""
    return f"SELECT intake, count(*), sum(amount) FROM payouts WHERE {where} GROUP BY intake"


def staying(where: str) -> str:
    """How many rows cannot be taken back, for they were or may have been sent."""
    return f"SELECT count(*) FROM payouts WHERE {where} AND state <> 'withdrawn' AND NOT ({NEVER_SENT})"


def log_moves(where: str) -> str:
    """A line in the log for each of many rows that move alike."""
    return f"INSERT INTO moves (payout, at, event, state) SELECT id, ?, ?, ? FROM payouts WHERE {where} ORDER BY id"


def move_rows(where: str, more: str) -> str:
    """Move many rows alike."""
    return f"UPDATE payouts SET state = ?, due = 0, looks = 0, absent_since = NULL, updated = ?{more} WHERE {where}"


# -- a run ------------------------------------------------------------------------------------------------------------


def _due(columns: str) -> str:
    # from the index, in its order; what is held stands at its front and is passed over without a look at the row
    return f"""
SELECT due, {columns} FROM payouts
WHERE state = ? AND intake = ? AND due <= ? AND resends <= ? AND id NOT IN (SELECT value FROM json_each(?))
ORDER BY due LIMIT ?"""


CLAIM_TO_SEND, CLAIM_TO_INQUIRE = _due(COLUMNS), _due(WITHOUT_ORDER)
NEXT_DUE = "SELECT due FROM payouts WHERE state = ? AND intake = ? AND resends <= ? ORDER BY due LIMIT 1"
SCHEDULE_INQUIRY = "UPDATE payouts SET due = ?, absent_since = ?, looks = looks + 1 WHERE id = ? AND state = ?"

# of an order that was withdrawn and offered again the later row
GET = f"SELECT {COLUMNS} FROM payouts WHERE order_id = ? ORDER BY withdrawn <> 0, id DESC LIMIT 1"

ABANDONED = f"SELECT {COLUMNS} FROM payouts WHERE state = 'sending'"
OVERDUE = f"UPDATE payouts SET due = ? WHERE state IN ({listed(OPEN - {State.SENDING})}) AND due > ?"

# only if the row is as the move's caller saw it; a run's move only while the ledger is still that run's
MOVE = """
UPDATE payouts SET state = ?, reason = ?, due = ?, resends = ?, looks = ?, absent_since = NULL, sent = ?,
    transaction_id = ?, code = ?, message = ?, updated = ?
WHERE id = ? AND state = ? AND (? = '' OR ? = (SELECT value FROM meta WHERE key = 'epoch'))"""
TAKE_UP_AGAIN = "UPDATE payouts SET withdrawn = 0 WHERE id = ?"
LOG_MOVE = "INSERT INTO moves (payout, at, event, state, code, message) VALUES (?, ?, ?, ?, ?, ?)"

# -- a part of the ledger is lost -------------------------------------------------------------------------------------

LOG_LOST = f"""
INSERT INTO moves (payout, at, event, state)
SELECT id, :now, 'lost', 'unknown' FROM payouts WHERE {_MAY_BE_SENT} ORDER BY id"""

LOSE = f"""
UPDATE payouts SET looks = CASE state WHEN 'unknown' THEN looks + 1 ELSE 0 END, state = 'unknown', reason = 'lost',
    due = :now, absent_since = NULL, sent = :now, updated = :now
WHERE {_MAY_BE_SENT}"""

# an id of its own: the original, should it be found after all, is another ledger from now on
NOTE_LOST = """
INSERT OR REPLACE INTO meta VALUES ('recovered', :now), ('ledger_id', lower(hex(randomblob(16)))), ('open', '')"""

# -- reading ----------------------------------------------------------------------------------------------------------

COUNTS_BY_BATCH = f"""
SELECT intake, state, count(*), sum(amount) FROM payouts
WHERE intake NOT IN ({_APPLICATIONS}) GROUP BY intake, state"""


def counts(scope: str) -> str:
    """Rows and minor units in each state."""
    return f"SELECT state, count(*), sum(amount) FROM payouts WHERE true{scope} GROUP BY state"


def oldest_open(scope: str) -> str:
    """When the oldest open row was entered; 0 where an older version did not note it."""
    first = f"SELECT min(id) FROM payouts WHERE state IN ({listed(OPEN)}){scope} GROUP BY state"  # by the index alone
    return f"SELECT min(entered) FROM payouts WHERE id IN ({first}) AND entered > 0"


def resent(scope: str) -> str:
    """How many rows were sent again after an absence."""
    return f"SELECT count(*) FROM payouts WHERE resends > 0{scope}"


def failures(scope: str) -> str:
    """What failed, by code, and by whether PayCools had taken the order."""
    return f"""
        SELECT code, coalesce(transaction_id, '') <> '', min(message), count(*), sum(amount) FROM payouts
        WHERE state = 'failed'{scope} GROUP BY 1, 2 ORDER BY 4 DESC, 1"""


HISTORY = """
SELECT m.at, m.event, m.state, p.intake, p.line FROM moves m JOIN payouts p ON p.id = m.payout
WHERE p.order_id = ? ORDER BY m.id"""


def page(scope: str, states: Collection[State] | None = None) -> str:
    """The next rows in file order."""
    # all pages together pass over the table once; by the index of states each page would sort all that are in them
    chosen = "" if states is None else f" AND +state IN ({listed(states)})"
    return f"SELECT {ALL_COLUMNS} FROM payouts WHERE id > ?{scope}{chosen} ORDER BY id LIMIT ?"


def timelines(scope: str) -> str:
    """When each payout was sent, accepted and final.

    One pass over the log, sorted by SQLite in a file of its own where it is large; no index has to be kept for it.
    """
    return f"""
SELECT p.order_id, p.amount, p.state, p.code, p.message, p.transaction_id,
    min(CASE WHEN m.event = 'send' THEN m.at END) AS sent,
    max(CASE WHEN m.event = 'send' THEN m.at END),
    min(CASE WHEN m.state = 'accepted' OR (m.event IN ('rejected', 'found_complete', 'found_failed')) THEN m.at END),
    min(CASE WHEN m.state IN ('settled', 'failed') THEN m.at END)
FROM moves m JOIN payouts p ON p.id = m.payout WHERE true{scope} GROUP BY m.payout HAVING sent IS NOT NULL"""
