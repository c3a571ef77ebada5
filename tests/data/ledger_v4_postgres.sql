CREATE FUNCTION ledger_v4.paycools_batch_is_closed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'ledger_v4', 'pg_temp'
    AS $$
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
CREATE FUNCTION ledger_v4.paycools_forbidden() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = 'insufficient_privilege'; END $$;
CREATE FUNCTION ledger_v4.paycools_may_release() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user,
        pg_catalog.format('%I.paycools_batches', TG_TABLE_SCHEMA), 'released', 'UPDATE') THEN
        RAISE EXCEPTION 'role % may not release or withdraw payouts', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION ledger_v4.paycools_may_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user, TG_RELID, 'sent', 'UPDATE') THEN
        RAISE EXCEPTION 'role % may not send payouts or say what became of them', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION ledger_v4.paycools_may_submit() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NOT pg_catalog.has_column_privilege(current_user,
        pg_catalog.format('%I.paycools_batches', TG_TABLE_SCHEMA), 'application', 'UPDATE') THEN
        RAISE EXCEPTION 'payouts enter as offered: role % may not submit any', current_user
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION ledger_v4.paycools_moves_stay() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
CREATE TABLE ledger_v4.paycools_batch_log (
    id bigint NOT NULL,
    batch integer NOT NULL,
    at double precision NOT NULL,
    event text NOT NULL,
    by text NOT NULL,
    payouts bigint NOT NULL,
    amount bigint NOT NULL,
    role text DEFAULT SESSION_USER NOT NULL
);
ALTER TABLE ledger_v4.paycools_batch_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger_v4.paycools_batch_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ledger_v4.paycools_batches (
    id integer NOT NULL,
    payouts integer NOT NULL,
    shards integer NOT NULL,
    planned double precision NOT NULL,
    released boolean DEFAULT false NOT NULL,
    file text DEFAULT ''::text NOT NULL,
    sha256 text DEFAULT ''::text NOT NULL,
    amount bigint DEFAULT 0 NOT NULL,
    offered_by text DEFAULT ''::text NOT NULL,
    offered_at double precision DEFAULT 0 NOT NULL,
    beside text,
    application text
);
CREATE TABLE ledger_v4.paycools_ledger (
    key text NOT NULL,
    value text NOT NULL
);
CREATE TABLE ledger_v4.paycools_moves (
    id bigint NOT NULL,
    payout bigint NOT NULL,
    at double precision NOT NULL,
    event text NOT NULL,
    state text NOT NULL,
    code bigint,
    message text,
    worker text,
    rules smallint NOT NULL
);
ALTER TABLE ledger_v4.paycools_moves ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger_v4.paycools_moves_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ledger_v4.paycools_pace (
    merchant text NOT NULL,
    next double precision NOT NULL,
    resume double precision NOT NULL
);
CREATE TABLE ledger_v4.paycools_payouts (
    id bigint NOT NULL,
    order_id text NOT NULL,
    intake integer NOT NULL,
    shard integer NOT NULL,
    line integer NOT NULL,
    amount bigint NOT NULL,
    body text NOT NULL,
    digest text NOT NULL,
    state text NOT NULL,
    reason text,
    due double precision DEFAULT 0 NOT NULL,
    resends integer DEFAULT 0 NOT NULL,
    looks integer DEFAULT 0 NOT NULL,
    absent_since double precision,
    transaction_id text,
    code bigint,
    message text,
    updated double precision NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    worker text,
    withdrawn bigint DEFAULT 0 NOT NULL,
    idempotency_id text,
    entered double precision DEFAULT 0 NOT NULL,
    sent double precision,
    beside text,
    told text,
    tell_due double precision DEFAULT 0 NOT NULL,
    CONSTRAINT paycools_payouts_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'planned'::text, 'sending'::text, 'unknown'::text, 'accepted'::text, 'settled'::text, 'failed'::text, 'withdrawn'::text, 'preexisting'::text, 'conflict'::text])))
);
ALTER TABLE ledger_v4.paycools_payouts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ledger_v4.paycools_payouts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE ledger_v4.paycools_schema (
    version integer NOT NULL
);
INSERT INTO ledger_v4.paycools_batch_log OVERRIDING SYSTEM VALUE VALUES (1, 1, 1767225636, 'offer', 'ana', 13, 130078, 'postgres');
INSERT INTO ledger_v4.paycools_batch_log OVERRIDING SYSTEM VALUE VALUES (2, 1, 1767225637, 'release', 'ben', 13, 130078, 'postgres');
INSERT INTO ledger_v4.paycools_batch_log OVERRIDING SYSTEM VALUE VALUES (3, 2, 1767225667, 'offer', 'ana', 2, 20041, 'postgres');
INSERT INTO ledger_v4.paycools_batch_log OVERRIDING SYSTEM VALUE VALUES (4, 2, 1767225668, 'withdraw', 'ben', 1, 10021, 'postgres');
INSERT INTO ledger_v4.paycools_batch_log OVERRIDING SYSTEM VALUE VALUES (5, 3, 1767225700, 'offer', 'ana', 1, 10000, 'postgres');
INSERT INTO ledger_v4.paycools_batches VALUES (1, 13, 1, 1767225636, false, 'march.csv', 'abababababababababababababababababababababababababababababababab', 130078, 'ana', 1767225636, NULL, NULL);
INSERT INTO ledger_v4.paycools_batches VALUES (2, 2, 1, 1767225667, false, 'april.csv', 'cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd', 20041, 'ana', 1767225667, NULL, NULL);
INSERT INTO ledger_v4.paycools_batches VALUES (3, 1, 1, 1767225700, false, 'may.csv', 'efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef', 10000, 'ana', 1767225700, '["_dept"]', NULL);
INSERT INTO ledger_v4.paycools_batches VALUES (4, 0, 1, 1767225800, false, '', '', 0, 'app', 1767225800, NULL, 'app');
INSERT INTO ledger_v4.paycools_ledger VALUES ('identity', 'ph APP1 localhost');
INSERT INTO ledger_v4.paycools_ledger VALUES ('currency', 'PHP');
INSERT INTO ledger_v4.paycools_ledger VALUES ('destination', '{"host": "localhost", "environment": "UAT"}');
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (1, 1, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (2, 2, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (3, 3, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (4, 4, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (5, 5, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (6, 6, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (7, 7, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (8, 8, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (9, 9, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (10, 10, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (11, 11, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (12, 12, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (13, 13, 1767225637, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (14, 2, 1767225640, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (15, 2, 1767225641, 'not_sent', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (16, 3, 1767225642, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (17, 3, 1767225643, 'unclear', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (18, 3, 1767225644, 'absent', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (19, 4, 1767225645, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (20, 5, 1767225646, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (21, 5, 1767225647, 'unclear', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (22, 6, 1767225648, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (23, 6, 1767225649, 'duplicate', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (24, 7, 1767225650, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (25, 7, 1767225651, 'doubted', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (26, 8, 1767225652, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (27, 8, 1767225653, 'crashed', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (28, 9, 1767225654, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (29, 9, 1767225655, 'accepted', 'accepted', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (30, 10, 1767225656, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (31, 10, 1767225657, 'accepted', 'accepted', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (32, 10, 1767225658, 'found_complete', 'settled', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (33, 11, 1767225659, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (34, 11, 1767225660, 'rejected', 'failed', 1003, 'refused', 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (35, 12, 1767225661, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (36, 12, 1767225662, 'unclear', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (37, 12, 1767225663, 'mismatch', 'conflict', NULL, 'other', 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (38, 13, 1767225664, 'send', 'sending', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (39, 13, 1767225665, 'duplicate', 'unknown', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (40, 13, 1767225666, 'found_earlier', 'preexisting', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (41, 15, 1767225668, 'withdraw', 'withdrawn', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (42, 17, 1767225800, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (43, 18, 1767225800, 'release', 'planned', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_moves OVERRIDING SYSTEM VALUE VALUES (44, 18, 1767225800, 'found_earlier', 'preexisting', NULL, NULL, 'host:1:aa', 2);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (1, 'PAYMENTPLANNED', 1, 0, 2, 10000, '{"mch_order_id": "PAYMENTPLANNED", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTPLANNED"}', 'df88447d95c0c00a433e99b534f177bd57169ac957fa09fe0e57de6d11516cb7', 'planned', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225637, 1, NULL, 0, NULL, 1767225636, NULL, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (2, 'PAYMENTNOTSENT', 1, 0, 3, 10001, '{"mch_order_id": "PAYMENTNOTSENT", "amount": 10001, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTNOTSENT"}', 'f5945153eae6dc5e830f244e4bef9fbd4b3ca011598615e751ea4aef07a7feae', 'planned', NULL, 1767225645, 0, 0, NULL, NULL, NULL, NULL, 1767225641, 3, NULL, 0, NULL, 1767225636, NULL, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (3, 'PAYMENTRESEND', 1, 0, 4, 10002, '{"mch_order_id": "PAYMENTRESEND", "amount": 10002, "pay_method_code": "BANK", "account_no": "09171234562", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTRESEND"}', '80040ea2ac8ea37191812d9c5d5c6730a53682eeef2445851725c6c779dc4015', 'planned', 'unclear', 1767225648, 1, 0, NULL, NULL, NULL, NULL, 1767225644, 4, NULL, 0, NULL, 1767225636, 1767225643, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (4, 'PAYMENTSENDING', 1, 0, 5, 10003, '{"mch_order_id": "PAYMENTSENDING", "amount": 10003, "pay_method_code": "BANK", "account_no": "09171234563", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTSENDING"}', '902694f01ad0f615a3038d645a1e7321a1634633138b8ed73bb929bea7f81368', 'sending', NULL, 1767225695, 0, 0, NULL, NULL, NULL, NULL, 1767225645, 2, 'host:1:aa', 0, NULL, 1767225636, 1767225645, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (5, 'PAYMENTUNCLEAR', 1, 0, 6, 10004, '{"mch_order_id": "PAYMENTUNCLEAR", "amount": 10004, "pay_method_code": "BANK", "account_no": "09171234564", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTUNCLEAR"}', '755d174d3c88e2bc6805d07bd0cc428eeefdd4ada1592218fb34abd0754ea974', 'unknown', 'unclear', 1767225651, 0, 0, NULL, NULL, NULL, NULL, 1767225647, 3, NULL, 0, NULL, 1767225636, 1767225647, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (6, 'PAYMENTDUPLICATE', 1, 0, 7, 10005, '{"mch_order_id": "PAYMENTDUPLICATE", "amount": 10005, "pay_method_code": "BANK", "account_no": "09171234565", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTDUPLICATE"}', 'e2f03e8410caa91112cd851dff32182a299fd7c25d6bc0bb35f3535465fb42e7', 'unknown', 'duplicate', 1767225653, 0, 0, NULL, NULL, NULL, NULL, 1767225649, 3, NULL, 0, NULL, 1767225636, 1767225649, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (7, 'PAYMENTDOUBTED', 1, 0, 8, 10006, '{"mch_order_id": "PAYMENTDOUBTED", "amount": 10006, "pay_method_code": "BANK", "account_no": "09171234566", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTDOUBTED"}', '25fe82c1ebd603e14798f7167c55ae05cc4a3f730f8b2a0c121f17ef26e0ee42', 'unknown', 'doubted', 1767225655, 0, 0, NULL, NULL, NULL, NULL, 1767225651, 3, NULL, 0, NULL, 1767225636, 1767225651, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (8, 'PAYMENTCRASHED', 1, 0, 9, 10007, '{"mch_order_id": "PAYMENTCRASHED", "amount": 10007, "pay_method_code": "BANK", "account_no": "09171234567", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTCRASHED"}', 'af4cf84937e7106ef529b84b7558c51c1f069c5bd90309fc4423cb3eca0b18d5', 'unknown', 'crashed', 1767225657, 0, 0, NULL, NULL, NULL, NULL, 1767225653, 3, NULL, 0, NULL, 1767225636, 1767225653, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (9, 'PAYMENTACCEPTED', 1, 0, 10, 10008, '{"mch_order_id": "PAYMENTACCEPTED", "amount": 10008, "pay_method_code": "BANK", "account_no": "09171234568", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTACCEPTED"}', 'c142fa54f33ff5aca9c8a089665a6d9e675b1d5a3069eb7db22d664b4f0d8f27', 'accepted', NULL, 1767225659, 0, 0, NULL, 'TACCEPTED', NULL, NULL, 1767225655, 3, NULL, 0, NULL, 1767225636, 1767225654, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (10, 'PAYMENTSETTLED', 1, 0, 11, 10009, '{"mch_order_id": "PAYMENTSETTLED", "amount": 10009, "pay_method_code": "BANK", "account_no": "09171234569", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTSETTLED"}', 'b9cd0b644817fb711eb6586911a52269c7230e4e6e104437ac1b428e917ce2ee', 'settled', NULL, 1767225662, 0, 0, NULL, 'TSETTLED', NULL, NULL, 1767225658, 4, NULL, 0, NULL, 1767225636, 1767225656, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (11, 'PAYMENTFAILED', 1, 0, 12, 10010, '{"mch_order_id": "PAYMENTFAILED", "amount": 10010, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTFAILED"}', 'edb9250b0f5d9cb9e126b8920316702cd16d438433e32ca7ccf42acdee72b5ce', 'failed', NULL, 1767225664, 0, 0, NULL, NULL, 1003, 'refused', 1767225660, 3, NULL, 0, NULL, 1767225636, 1767225659, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (12, 'PAYMENTMISMATCH', 1, 0, 13, 10011, '{"mch_order_id": "PAYMENTMISMATCH", "amount": 10011, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTMISMATCH"}', 'de3c16ec97cf4a60b20f81e3fc414b4242705174ba12697e41bdcd713e168ce9', 'conflict', 'unclear', 1767225667, 0, 0, NULL, 'TX', NULL, 'other', 1767225663, 4, NULL, 0, NULL, 1767225636, 1767225662, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (13, 'PAYMENTEARLIER', 1, 0, 14, 10012, '{"mch_order_id": "PAYMENTEARLIER", "amount": 10012, "pay_method_code": "BANK", "account_no": "09171234562", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTEARLIER"}', 'd2fa1b913a60cb5f706fab9b4264462343d3fd0ab12664a3189ac723d4375ea4', 'preexisting', 'duplicate', 1767225670, 0, 0, NULL, NULL, NULL, NULL, 1767225666, 4, NULL, 0, NULL, 1767225636, 1767225665, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (14, 'PAYMENTOFFERED', 2, 0, 2, 10020, '{"mch_order_id": "PAYMENTOFFERED", "amount": 10020, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTOFFERED"}', '8892a38ec0e875325a34acc4570263c9e1b8ebfa4922db6bea6ada3c8c0a3901', 'offered', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225667, 0, NULL, 0, NULL, 1767225667, NULL, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (15, 'PAYMENTWITHDRAWN', 2, 0, 3, 10021, '{"mch_order_id": "PAYMENTWITHDRAWN", "amount": 10021, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTWITHDRAWN"}', '82441d3704b7159be5af03abe20aea263556575eac5552b5b58816bca224b8bd', 'withdrawn', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225668, 1, NULL, 15, NULL, 1767225667, NULL, NULL, NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (16, 'PAYMENTNEW', 3, 0, 2, 10000, '{"mch_order_id": "PAYMENTNEW", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTNEW"}', 'e5943b0e94f3e8f2315beb1d5148626b4b6172ddcd141bcd3043474006432bc5', 'offered', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225700, 0, NULL, 0, NULL, 1767225700, NULL, '{"_dept": "B"}', NULL, 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (17, 'APP1', 4, 0, 0, 10000, '{"mch_order_id": "APP1", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "551142ed8ced1844474e9e81a424b9"}', 'ed467f71aaf7dce1729d621d71acd7f2892994ef975d15541dd80054d5aba03b', 'planned', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225800, 0, NULL, 0, '551142ed8ced1844474e9e81a424b9', 1767225800, NULL, NULL, '', 0);
INSERT INTO ledger_v4.paycools_payouts OVERRIDING SYSTEM VALUE VALUES (18, 'APP2', 4, 0, 0, 10000, '{"mch_order_id": "APP2", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "3b3cafae5eec648f6ee2480287defd"}', '974c6965dcbfa391adb85762f2128dbd99306d059b1d9e04912fdac09d836822', 'preexisting', NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1767225800, 1, NULL, 0, '3b3cafae5eec648f6ee2480287defd', 1767225800, NULL, NULL, '', 0);
INSERT INTO ledger_v4.paycools_schema VALUES (1);
INSERT INTO ledger_v4.paycools_schema VALUES (2);
INSERT INTO ledger_v4.paycools_schema VALUES (3);
INSERT INTO ledger_v4.paycools_schema VALUES (4);
SELECT pg_catalog.setval('ledger_v4.paycools_batch_log_id_seq', 5, true);
SELECT pg_catalog.setval('ledger_v4.paycools_moves_id_seq', 44, true);
SELECT pg_catalog.setval('ledger_v4.paycools_payouts_id_seq', 18, true);
ALTER TABLE ONLY ledger_v4.paycools_batch_log
    ADD CONSTRAINT paycools_batch_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger_v4.paycools_batches
    ADD CONSTRAINT paycools_batches_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger_v4.paycools_ledger
    ADD CONSTRAINT paycools_ledger_pkey PRIMARY KEY (key);
ALTER TABLE ONLY ledger_v4.paycools_moves
    ADD CONSTRAINT paycools_moves_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger_v4.paycools_pace
    ADD CONSTRAINT paycools_pace_pkey PRIMARY KEY (merchant);
ALTER TABLE ONLY ledger_v4.paycools_payouts
    ADD CONSTRAINT paycools_payouts_order_id_key UNIQUE (order_id, withdrawn);
ALTER TABLE ONLY ledger_v4.paycools_payouts
    ADD CONSTRAINT paycools_payouts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY ledger_v4.paycools_schema
    ADD CONSTRAINT paycools_schema_pkey PRIMARY KEY (version);
CREATE UNIQUE INDEX paycools_batches_application ON ledger_v4.paycools_batches USING btree (application) WHERE (application IS NOT NULL);
CREATE INDEX paycools_payouts_batch ON ledger_v4.paycools_payouts USING btree (intake, state, due, id) WHERE (state = ANY (ARRAY['accepted'::text, 'planned'::text, 'sending'::text, 'unknown'::text]));
CREATE INDEX paycools_payouts_due ON ledger_v4.paycools_payouts USING btree (state, due, id) WHERE (state = ANY (ARRAY['accepted'::text, 'planned'::text, 'sending'::text, 'unknown'::text]));
CREATE INDEX paycools_payouts_idempotency ON ledger_v4.paycools_payouts USING btree (idempotency_id) WHERE (idempotency_id IS NOT NULL);
CREATE INDEX paycools_payouts_intake ON ledger_v4.paycools_payouts USING btree (intake, id);
CREATE INDEX paycools_payouts_shard ON ledger_v4.paycools_payouts USING btree (intake, shard, state, due, id) WHERE (state = ANY (ARRAY['accepted'::text, 'planned'::text, 'sending'::text, 'unknown'::text]));
CREATE INDEX paycools_payouts_untold ON ledger_v4.paycools_payouts USING btree (intake, tell_due) WHERE ((told IS NOT NULL) AND (told <> state) AND (state = ANY (ARRAY['settled'::text, 'failed'::text, 'withdrawn'::text, 'preexisting'::text, 'conflict'::text])));
CREATE TRIGGER paycools_batch_log_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger_v4.paycools_batch_log FOR EACH STATEMENT EXECUTE FUNCTION ledger_v4.paycools_moves_stay();
CREATE TRIGGER paycools_batch_log_told BEFORE INSERT ON ledger_v4.paycools_batch_log FOR EACH ROW WHEN ((new.event <> 'offer'::text)) EXECUTE FUNCTION ledger_v4.paycools_may_release();
CREATE TRIGGER paycools_batches_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger_v4.paycools_batches FOR EACH STATEMENT EXECUTE FUNCTION ledger_v4.paycools_moves_stay();
CREATE TRIGGER paycools_ledger_owner_stays BEFORE DELETE OR UPDATE ON ledger_v4.paycools_ledger FOR EACH ROW WHEN ((old.key = ANY (ARRAY['identity'::text, 'currency'::text]))) EXECUTE FUNCTION ledger_v4.paycools_forbidden('a ledger stays its merchant''s');
CREATE TRIGGER paycools_moves_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON ledger_v4.paycools_moves FOR EACH STATEMENT EXECUTE FUNCTION ledger_v4.paycools_moves_stay();
CREATE TRIGGER paycools_payouts_decided BEFORE UPDATE ON ledger_v4.paycools_payouts FOR EACH ROW WHEN ((((old.state = 'offered'::text) AND (new.state = 'planned'::text)) OR ((old.state = ANY (ARRAY['offered'::text, 'planned'::text])) AND (old.resends = 0) AND (new.state = 'withdrawn'::text)) OR ((old.state = 'preexisting'::text) AND (new.state = 'accepted'::text) AND (new.reason = 'adopt'::text)))) EXECUTE FUNCTION ledger_v4.paycools_may_release();
CREATE TRIGGER paycools_payouts_enter BEFORE INSERT ON ledger_v4.paycools_payouts FOR EACH ROW WHEN ((((new.state <> 'offered'::text) AND ((new.state <> 'planned'::text) OR (new.told IS DISTINCT FROM ''::text)) AND ((new.state <> 'unknown'::text) OR (new.reason IS DISTINCT FROM 'lost'::text))) OR (new.withdrawn <> 0) OR (new.resends <> 0))) EXECUTE FUNCTION ledger_v4.paycools_forbidden('payouts enter as offered');
CREATE TRIGGER paycools_payouts_join AFTER INSERT ON ledger_v4.paycools_payouts REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION ledger_v4.paycools_batch_is_closed();
CREATE TRIGGER paycools_payouts_path BEFORE UPDATE ON ledger_v4.paycools_payouts FOR EACH ROW WHEN ((((new.state = 'sending'::text) AND (old.state <> ALL (ARRAY['planned'::text, 'sending'::text]))) OR ((new.state = 'planned'::text) AND (old.state <> ALL (ARRAY['offered'::text, 'planned'::text, 'sending'::text, 'unknown'::text]))))) EXECUTE FUNCTION ledger_v4.paycools_forbidden('nothing is sent that was not released, and nothing that was sent is released');
CREATE TRIGGER paycools_payouts_run BEFORE UPDATE ON ledger_v4.paycools_payouts FOR EACH ROW WHEN (((((old.state = 'offered'::text) AND (new.state = 'planned'::text)) OR ((old.state = ANY (ARRAY['offered'::text, 'planned'::text])) AND (old.resends = 0) AND (new.state = 'withdrawn'::text)) OR ((old.state = 'preexisting'::text) AND (new.state = 'accepted'::text) AND (new.reason = 'adopt'::text))) IS NOT TRUE)) EXECUTE FUNCTION ledger_v4.paycools_may_run();
CREATE TRIGGER paycools_payouts_submit BEFORE INSERT ON ledger_v4.paycools_payouts FOR EACH ROW WHEN ((new.told IS NOT NULL)) EXECUTE FUNCTION ledger_v4.paycools_may_submit();
REVOKE UPDATE, DELETE, TRUNCATE ON TABLE ledger_v4.paycools_batch_log FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON TABLE ledger_v4.paycools_moves FROM CURRENT_USER;
