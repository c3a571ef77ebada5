"""The PostgreSQL ledger's tables, as numbered migrations. `paycools_payouts` is the present, `paycools_moves` the past.

`paycools_batches` says which rows were offered together, `paycools_batch_log` who offered, released and withdrew them.
The tables stand in the first schema of the connection's search_path, so that one database can hold several merchants'
ledgers: `postgresql://.../db?options=-csearch_path%3Dshop`.
"""

from __future__ import annotations

from typing import Any

import attrs

from ..row import Row, column_of, row_from

__all__ = ["ALL_COLUMNS", "COLUMNS", "GRANTS", "JOB_GRANTS", "MIGRATIONS", "LeasedRow", "leased_row_from"]

# as it was: never changed, not even by way of a name that stands for a text
_TO_VERSION_1 = """
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
    state TEXT NOT NULL CHECK (state IN
        ('planned', 'sending', 'unknown', 'accepted', 'settled', 'failed', 'conflict')),
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
CREATE INDEX paycools_payouts_due ON paycools_payouts (state, due, id)
    WHERE state IN ('accepted', 'planned', 'sending', 'unknown');
CREATE INDEX paycools_payouts_shard ON paycools_payouts (intake, shard, state, due, id)
    WHERE state IN ('accepted', 'planned', 'sending', 'unknown');
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
"""

_ROWS_2 = """
DROP INDEX paycools_payouts_due;
DROP INDEX paycools_payouts_shard;
ALTER TABLE paycools_payouts
    -- 0, or the row's own id: an order that was taken back may be offered again, as a new row
    ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN idempotency_id TEXT,
    ADD COLUMN entered DOUBLE PRECISION NOT NULL DEFAULT 0,
    ADD COLUMN sent DOUBLE PRECISION,
    DROP CONSTRAINT paycools_payouts_order_id_key,
    ADD CONSTRAINT paycools_payouts_order_id_key UNIQUE (order_id, withdrawn),
    DROP CONSTRAINT paycools_payouts_state_check,
    ADD CONSTRAINT paycools_payouts_state_check CHECK (state IN ('offered', 'planned', 'sending', 'unknown', 'accepted',
        'settled', 'failed', 'withdrawn', 'preexisting', 'conflict'));
-- what was planned and not sent waits for a yes; what PayCools has by its own word and did not show is looked for again
UPDATE paycools_payouts SET
    entered = CASE WHEN state = 'planned' AND resends = 0 THEN updated ELSE 0 END,
    sent = CASE WHEN state <> 'planned' THEN updated END,
    due = CASE WHEN state = 'planned' THEN 0 ELSE due END,
    worker = CASE WHEN state <> 'planned' THEN worker END,
    version = version + CASE WHEN state = 'planned' THEN 1 ELSE 0 END,
    state = CASE WHEN state = 'planned' THEN 'offered' ELSE state END;
UPDATE paycools_payouts SET state = 'unknown', reason = 'duplicate', due = 0, version = version + 1
WHERE state = 'conflict' AND id IN (
    SELECT payout FROM (SELECT DISTINCT ON (payout) payout, event FROM paycools_moves ORDER BY payout, id DESC) last
    WHERE event = 'absent');
-- by which version's rules a move was made. Without a default, so that a worker of the older version that still runs
-- can make none: it believes absences that are none
ALTER TABLE paycools_moves ADD COLUMN rules SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE paycools_moves ALTER COLUMN rules DROP DEFAULT;
CREATE INDEX paycools_payouts_due ON paycools_payouts (state, due, id)
    WHERE state IN ('accepted', 'planned', 'sending', 'unknown');
CREATE INDEX paycools_payouts_batch ON paycools_payouts (intake, state, due, id)
    WHERE state IN ('accepted', 'planned', 'sending', 'unknown');
CREATE INDEX paycools_payouts_shard ON paycools_payouts (intake, shard, state, due, id)
    WHERE state IN ('accepted', 'planned', 'sending', 'unknown');
CREATE INDEX paycools_payouts_intake ON paycools_payouts (intake, id);
CREATE INDEX paycools_payouts_idempotency ON paycools_payouts (idempotency_id) WHERE idempotency_id IS NOT NULL;
"""

_BATCHES_2 = """
ALTER TABLE paycools_batches
    ALTER COLUMN released SET DEFAULT false,
    ADD COLUMN file TEXT NOT NULL DEFAULT '',
    ADD COLUMN sha256 TEXT NOT NULL DEFAULT '',
    ADD COLUMN amount BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN offered_by TEXT NOT NULL DEFAULT '',
    ADD COLUMN offered_at DOUBLE PRECISION NOT NULL DEFAULT 0;
-- `released` decides nothing any more. It is taken back for the sake of workers of the older version that still run:
-- they send by it, and by rules that are no longer believed
UPDATE paycools_batches b SET offered_at = b.planned, released = false,
    amount = coalesce((SELECT sum(p.amount) FROM paycools_payouts p WHERE p.intake = b.id), 0);
CREATE TRIGGER paycools_batches_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON paycools_batches
    FOR EACH STATEMENT EXECUTE FUNCTION paycools_moves_stay();
CREATE TABLE paycools_batch_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch INTEGER NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    by TEXT NOT NULL,
    payouts BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    -- who the database says it was; `by` is what was told
    role TEXT NOT NULL DEFAULT session_user
);
CREATE TRIGGER paycools_batch_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON paycools_batch_log
    FOR EACH STATEMENT EXECUTE FUNCTION paycools_moves_stay();
REVOKE UPDATE, DELETE, TRUNCATE ON paycools_batch_log FROM PUBLIC, CURRENT_USER;
"""

_RELEASES = "OLD.state = 'offered' AND NEW.state = 'planned'"
_WITHDRAWS = "OLD.state IN ('offered', 'planned') AND OLD.resends = 0 AND NEW.state = 'withdrawn'"
_ADOPTS = "OLD.state = 'preexisting' AND NEW.state = 'accepted' AND NEW.reason = 'adopt'"
_DECIDED = f"({_RELEASES}) OR ({_WITHDRAWS}) OR ({_ADOPTS})"

# column rights alone cannot tell a release from any other change of a state. The right to write `released` stands for
# the right to release, the one to write `sent` for the right to run. Names in full: callers have search_paths of their
# own
_RULES_2 = f"""
CREATE FUNCTION paycools_forbidden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'insufficient_privilege'; END $$;
CREATE FUNCTION paycools_may_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user,
        pg_catalog.format('%I.paycools_batches', TG_TABLE_SCHEMA), 'released', 'UPDATE') THEN
        RAISE EXCEPTION 'role % may not release or withdraw payouts', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION paycools_may_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user, TG_RELID, 'sent', 'UPDATE') THEN
        RAISE EXCEPTION 'role % may not send payouts or say what became of them', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION paycools_batch_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM entered JOIN paycools_batches b ON b.id = entered.intake) THEN
        RAISE EXCEPTION 'a batch that was offered takes no more payouts' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION paycools_batch_is_closed() SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END $$;
CREATE TRIGGER paycools_payouts_enter BEFORE INSERT ON paycools_payouts FOR EACH ROW
    WHEN ((NEW.state <> 'offered' AND (NEW.state <> 'unknown' OR NEW.reason IS DISTINCT FROM 'lost'))
        OR NEW.withdrawn <> 0 OR NEW.resends <> 0)
    EXECUTE FUNCTION paycools_forbidden('payouts enter as offered');
CREATE TRIGGER paycools_payouts_join AFTER INSERT ON paycools_payouts REFERENCING NEW TABLE AS entered
    FOR EACH STATEMENT EXECUTE FUNCTION paycools_batch_is_closed();
CREATE TRIGGER paycools_payouts_path BEFORE UPDATE ON paycools_payouts FOR EACH ROW
    WHEN ((NEW.state = 'sending' AND OLD.state NOT IN ('planned', 'sending'))
        OR (NEW.state = 'planned' AND OLD.state NOT IN ('offered', 'planned', 'sending', 'unknown')))
    EXECUTE FUNCTION paycools_forbidden('nothing is sent that was not released, and nothing that was sent is released');
CREATE TRIGGER paycools_payouts_decided BEFORE UPDATE ON paycools_payouts FOR EACH ROW
    WHEN ({_DECIDED}) EXECUTE FUNCTION paycools_may_release();
CREATE TRIGGER paycools_payouts_run BEFORE UPDATE ON paycools_payouts FOR EACH ROW
    WHEN (({_DECIDED}) IS NOT TRUE) EXECUTE FUNCTION paycools_may_run();
CREATE TRIGGER paycools_batch_log_told BEFORE INSERT ON paycools_batch_log FOR EACH ROW
    WHEN (NEW.event <> 'offer') EXECUTE FUNCTION paycools_may_release();
CREATE TRIGGER paycools_ledger_owner_stays BEFORE UPDATE OR DELETE ON paycools_ledger FOR EACH ROW
    WHEN (OLD.key IN ('identity', 'currency')) EXECUTE FUNCTION paycools_forbidden('a ledger stays its merchant''s');
"""  # noqa: S608 - all text is ours

# what is kept of a file and not sent: a row's cells, and a batch's names of columns; both as JSON. Who may enter rows
# may enter these with them
_TO_VERSION_3 = """
ALTER TABLE paycools_payouts ADD COLUMN beside TEXT;
ALTER TABLE paycools_batches ADD COLUMN beside TEXT;
DO $$
DECLARE entering pg_catalog.name;
BEGIN
    FOR entering IN SELECT r.rolname FROM pg_catalog.pg_attribute a, pg_catalog.aclexplode(a.attacl) g
        JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
        WHERE a.attrelid = 'paycools_payouts'::regclass AND a.attname = 'body' AND g.privilege_type = 'INSERT'
    LOOP
        EXECUTE format('GRANT INSERT (beside) ON paycools_payouts TO %I', entering);
    END LOOP;
END $$;
"""

# an application's batch takes payouts one by one, as planned, from roles that may submit: the right to write
# `application` stands for that. `told` is the last state that the application has acknowledged ('': none; null: the
# payout is a file's), and `tell_due` when it is to be called again
_TO_VERSION_4 = """
ALTER TABLE paycools_batches ADD COLUMN application TEXT;
CREATE UNIQUE INDEX paycools_batches_application ON paycools_batches (application) WHERE application IS NOT NULL;
ALTER TABLE paycools_payouts
    ADD COLUMN told TEXT,
    ADD COLUMN tell_due DOUBLE PRECISION NOT NULL DEFAULT 0;
CREATE INDEX paycools_payouts_untold ON paycools_payouts (intake, tell_due)
    WHERE told IS NOT NULL AND told <> state
        AND state IN ('settled', 'failed', 'withdrawn', 'preexisting', 'conflict');
CREATE FUNCTION paycools_may_submit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user,
        pg_catalog.format('%I.paycools_batches', TG_TABLE_SCHEMA), 'application', 'UPDATE') THEN
        RAISE EXCEPTION 'payouts enter as offered: role % may not submit any', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER paycools_payouts_enter ON paycools_payouts;
CREATE TRIGGER paycools_payouts_enter BEFORE INSERT ON paycools_payouts FOR EACH ROW
    WHEN ((NEW.state <> 'offered' AND (NEW.state <> 'planned' OR NEW.told IS DISTINCT FROM '')
            AND (NEW.state <> 'unknown' OR NEW.reason IS DISTINCT FROM 'lost'))
        OR NEW.withdrawn <> 0 OR NEW.resends <> 0)
    EXECUTE FUNCTION paycools_forbidden('payouts enter as offered');
CREATE TRIGGER paycools_payouts_submit BEFORE INSERT ON paycools_payouts FOR EACH ROW
    WHEN (NEW.told IS NOT NULL) EXECUTE FUNCTION paycools_may_submit();
CREATE OR REPLACE FUNCTION paycools_batch_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM entered JOIN paycools_batches b ON b.id = entered.intake
        WHERE entered.told IS NULL AND b.application IS NULL) THEN
        RAISE EXCEPTION 'a batch that was offered takes no more payouts' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (SELECT FROM entered LEFT JOIN paycools_batches b ON b.id = entered.intake
        WHERE (entered.told IS NULL) <> (b.application IS NULL)) THEN
        RAISE EXCEPTION 'an application''s batch takes what it submits, and nothing else does'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION paycools_batch_is_closed() SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END $$;
"""

# what workers hold is found without a look at all that is open
_TO_VERSION_5 = """
CREATE INDEX paycools_payouts_leased ON paycools_payouts (worker, due)
    WHERE worker IS NOT NULL AND state IN ('accepted', 'planned', 'sending', 'unknown');
"""

MIGRATIONS: tuple[str, ...] = (
    _TO_VERSION_1,
    f"{_ROWS_2}{_BATCHES_2}{_RULES_2}",
    _TO_VERSION_3,
    _TO_VERSION_4,
    _TO_VERSION_5,
)

_READS = """
GRANT SELECT ON paycools_schema, paycools_ledger, paycools_batches, paycools_batch_log, paycools_payouts,
    paycools_moves TO {role};
GRANT INSERT ON paycools_ledger TO {role};
"""

# what an order says, and what has happened, no role can touch
GRANTS = {
    "offer": f"""{_READS}
GRANT INSERT ON paycools_batches TO {{role}};
GRANT INSERT (batch, at, event, by, payouts, amount) ON paycools_batch_log TO {{role}};
GRANT INSERT (order_id, idempotency_id, intake, shard, line, amount, body, digest, beside, state, reason, entered, sent,
    updated) ON paycools_payouts TO {{role}};
""",
    "release": f"""{_READS}
GRANT UPDATE, DELETE ON paycools_ledger TO {{role}};
GRANT UPDATE (released) ON paycools_batches TO {{role}};
GRANT INSERT (batch, at, event, by, payouts, amount) ON paycools_batch_log TO {{role}};
GRANT INSERT ON paycools_moves TO {{role}};
GRANT UPDATE (state, reason, due, looks, absent_since, updated, version, worker, withdrawn)
    ON paycools_payouts TO {{role}};
""",
    "run": f"""{_READS}
GRANT UPDATE, DELETE ON paycools_ledger TO {{role}};
GRANT INSERT ON paycools_moves TO {{role}};
GRANT SELECT, INSERT, UPDATE ON paycools_pace TO {{role}};
GRANT UPDATE (state, reason, due, resends, looks, absent_since, sent, transaction_id, code, message, updated, version,
    worker, withdrawn, told, tell_due) ON paycools_payouts TO {{role}};
""",
    "submit": f"""{_READS}
GRANT INSERT ON paycools_batches TO {{role}};
GRANT UPDATE (application) ON paycools_batches TO {{role}};
GRANT INSERT ON paycools_moves TO {{role}};
GRANT INSERT (order_id, idempotency_id, intake, shard, line, amount, body, digest, state, reason, entered, sent,
    updated, told) ON paycools_payouts TO {{role}};
""",
}
"""What each part of the work needs, and no more."""

JOB_GRANTS = {"release": "SELECT, INSERT", "run": "SELECT, INSERT, UPDATE, DELETE"}
"""The same for the tables of the workers' jobs."""


@attrs.frozen(kw_only=True)
class LeasedRow(Row):
    """A row of the PostgreSQL ledger. Whoever took, moved or freed the row meanwhile has raised its version."""

    version: int


_NAMES = tuple(field.name for field in attrs.fields(LeasedRow))
ALL_COLUMNS = ", ".join(f"p.{column_of(name)}" for name in _NAMES)
COLUMNS = ALL_COLUMNS.replace("p.beside", "NULL")
"""Those that a run needs."""


def leased_row_from(values: tuple[Any, ...]) -> LeasedRow:
    """A LeasedRow from the values of COLUMNS."""
    return row_from(LeasedRow, dict(zip(_NAMES, values, strict=True)))
