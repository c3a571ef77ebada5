BEGIN TRANSACTION;
CREATE TABLE batch_log (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    by TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL
);
INSERT INTO "batch_log" VALUES(1,1,1767225603.0,'offer','ana',13,130078);
INSERT INTO "batch_log" VALUES(2,1,1767225604.0,'release','ben',13,130078);
INSERT INTO "batch_log" VALUES(3,2,1767225632.0,'offer','ana',2,20041);
INSERT INTO "batch_log" VALUES(4,2,1767225633.0,'withdraw','ben',1,10021);
INSERT INTO "batch_log" VALUES(5,3,1767225700.0,'offer','',1,10000);
CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    payouts INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    offered_by TEXT NOT NULL,
    offered_at REAL NOT NULL
, beside TEXT);
INSERT INTO "batches" VALUES(1,'march.csv','abababababababababababababababababababababababababababababababab',13,130078,'ana',1767225603.0,NULL);
INSERT INTO "batches" VALUES(2,'april.csv','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd',2,20041,'ana',1767225632.0,NULL);
INSERT INTO "batches" VALUES(3,'','',1,10000,'',1767225700.0,'["_dept"]');
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('currency','PHP');
INSERT INTO "meta" VALUES('destination','{"host": "localhost", "environment": "UAT"}');
INSERT INTO "meta" VALUES('epoch','2');
INSERT INTO "meta" VALUES('identity','ph APP1 localhost');
INSERT INTO "meta" VALUES('ledger_id','810fe168b1fde363c2526def5aff39d0');
INSERT INTO "meta" VALUES('open','');
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    payout INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    message TEXT
);
INSERT INTO "moves" VALUES(1,1,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(2,2,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(3,3,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(4,4,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(5,5,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(6,6,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(7,7,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(8,8,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(9,9,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(10,10,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(11,11,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(12,12,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(13,13,1767225604.0,'release','planned',NULL,NULL);
INSERT INTO "moves" VALUES(14,2,1767225605.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(15,2,1767225606.0,'not_sent','planned',NULL,NULL);
INSERT INTO "moves" VALUES(16,3,1767225607.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(17,3,1767225608.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(18,3,1767225609.0,'absent','planned',NULL,NULL);
INSERT INTO "moves" VALUES(19,4,1767225610.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(20,5,1767225611.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(21,5,1767225612.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(22,6,1767225613.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(23,6,1767225614.0,'duplicate','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(24,7,1767225615.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(25,7,1767225616.0,'doubted','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(26,8,1767225617.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(27,8,1767225618.0,'crashed','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(28,9,1767225619.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(29,9,1767225620.0,'accepted','accepted',NULL,NULL);
INSERT INTO "moves" VALUES(30,10,1767225621.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(31,10,1767225622.0,'accepted','accepted',NULL,NULL);
INSERT INTO "moves" VALUES(32,10,1767225623.0,'found_complete','settled',NULL,NULL);
INSERT INTO "moves" VALUES(33,11,1767225624.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(34,11,1767225625.0,'rejected','failed',1003,'refused');
INSERT INTO "moves" VALUES(35,12,1767225626.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(36,12,1767225627.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(37,12,1767225628.0,'mismatch','conflict',NULL,'other');
INSERT INTO "moves" VALUES(38,13,1767225629.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(39,13,1767225630.0,'duplicate','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(40,13,1767225631.0,'found_earlier','preexisting',NULL,NULL);
INSERT INTO "moves" VALUES(41,15,1767225633.0,'withdraw','withdrawn',NULL,NULL);
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
    updated REAL NOT NULL, beside TEXT,
    UNIQUE (order_id, withdrawn)
);
INSERT INTO "payouts" VALUES(1,'PAYMENTPLANNED',0,NULL,1,2,10000,'{"mch_order_id": "PAYMENTPLANNED", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTPLANNED"}','df88447d95c0c00a433e99b534f177bd57169ac957fa09fe0e57de6d11516cb7','planned',NULL,0.0,0,0,NULL,1767225603.0,NULL,NULL,NULL,NULL,1767225604.0,NULL);
INSERT INTO "payouts" VALUES(2,'PAYMENTNOTSENT',0,NULL,1,3,10001,'{"mch_order_id": "PAYMENTNOTSENT", "amount": 10001, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTNOTSENT"}','f5945153eae6dc5e830f244e4bef9fbd4b3ca011598615e751ea4aef07a7feae','planned',NULL,1767225610.0,0,0,NULL,1767225603.0,NULL,NULL,NULL,NULL,1767225606.0,NULL);
INSERT INTO "payouts" VALUES(3,'PAYMENTRESEND',0,NULL,1,4,10002,'{"mch_order_id": "PAYMENTRESEND", "amount": 10002, "pay_method_code": "BANK", "account_no": "09171234562", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTRESEND"}','80040ea2ac8ea37191812d9c5d5c6730a53682eeef2445851725c6c779dc4015','planned','unclear',1767225613.0,1,0,NULL,1767225603.0,1767225608.0,NULL,NULL,NULL,1767225609.0,NULL);
INSERT INTO "payouts" VALUES(4,'PAYMENTSENDING',0,NULL,1,5,10003,'{"mch_order_id": "PAYMENTSENDING", "amount": 10003, "pay_method_code": "BANK", "account_no": "09171234563", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTSENDING"}','902694f01ad0f615a3038d645a1e7321a1634633138b8ed73bb929bea7f81368','sending',NULL,1767225614.0,0,0,NULL,1767225603.0,1767225610.0,NULL,NULL,NULL,1767225610.0,NULL);
INSERT INTO "payouts" VALUES(5,'PAYMENTUNCLEAR',0,NULL,1,6,10004,'{"mch_order_id": "PAYMENTUNCLEAR", "amount": 10004, "pay_method_code": "BANK", "account_no": "09171234564", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTUNCLEAR"}','755d174d3c88e2bc6805d07bd0cc428eeefdd4ada1592218fb34abd0754ea974','unknown','unclear',1767225616.0,0,0,NULL,1767225603.0,1767225612.0,NULL,NULL,NULL,1767225612.0,NULL);
INSERT INTO "payouts" VALUES(6,'PAYMENTDUPLICATE',0,NULL,1,7,10005,'{"mch_order_id": "PAYMENTDUPLICATE", "amount": 10005, "pay_method_code": "BANK", "account_no": "09171234565", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTDUPLICATE"}','e2f03e8410caa91112cd851dff32182a299fd7c25d6bc0bb35f3535465fb42e7','unknown','duplicate',1767225618.0,0,0,NULL,1767225603.0,1767225614.0,NULL,NULL,NULL,1767225614.0,NULL);
INSERT INTO "payouts" VALUES(7,'PAYMENTDOUBTED',0,NULL,1,8,10006,'{"mch_order_id": "PAYMENTDOUBTED", "amount": 10006, "pay_method_code": "BANK", "account_no": "09171234566", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTDOUBTED"}','25fe82c1ebd603e14798f7167c55ae05cc4a3f730f8b2a0c121f17ef26e0ee42','unknown','doubted',1767225620.0,0,0,NULL,1767225603.0,1767225616.0,NULL,NULL,NULL,1767225616.0,NULL);
INSERT INTO "payouts" VALUES(8,'PAYMENTCRASHED',0,NULL,1,9,10007,'{"mch_order_id": "PAYMENTCRASHED", "amount": 10007, "pay_method_code": "BANK", "account_no": "09171234567", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTCRASHED"}','af4cf84937e7106ef529b84b7558c51c1f069c5bd90309fc4423cb3eca0b18d5','unknown','crashed',1767225622.0,0,0,NULL,1767225603.0,1767225618.0,NULL,NULL,NULL,1767225618.0,NULL);
INSERT INTO "payouts" VALUES(9,'PAYMENTACCEPTED',0,NULL,1,10,10008,'{"mch_order_id": "PAYMENTACCEPTED", "amount": 10008, "pay_method_code": "BANK", "account_no": "09171234568", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTACCEPTED"}','c142fa54f33ff5aca9c8a089665a6d9e675b1d5a3069eb7db22d664b4f0d8f27','accepted',NULL,1767225624.0,0,0,NULL,1767225603.0,1767225619.0,'TACCEPTED',NULL,NULL,1767225620.0,NULL);
INSERT INTO "payouts" VALUES(10,'PAYMENTSETTLED',0,NULL,1,11,10009,'{"mch_order_id": "PAYMENTSETTLED", "amount": 10009, "pay_method_code": "BANK", "account_no": "09171234569", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTSETTLED"}','b9cd0b644817fb711eb6586911a52269c7230e4e6e104437ac1b428e917ce2ee','settled',NULL,1767225627.0,0,0,NULL,1767225603.0,1767225621.0,'TSETTLED',NULL,NULL,1767225623.0,NULL);
INSERT INTO "payouts" VALUES(11,'PAYMENTFAILED',0,NULL,1,12,10010,'{"mch_order_id": "PAYMENTFAILED", "amount": 10010, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTFAILED"}','edb9250b0f5d9cb9e126b8920316702cd16d438433e32ca7ccf42acdee72b5ce','failed',NULL,1767225629.0,0,0,NULL,1767225603.0,1767225624.0,NULL,1003,'refused',1767225625.0,NULL);
INSERT INTO "payouts" VALUES(12,'PAYMENTMISMATCH',0,NULL,1,13,10011,'{"mch_order_id": "PAYMENTMISMATCH", "amount": 10011, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTMISMATCH"}','de3c16ec97cf4a60b20f81e3fc414b4242705174ba12697e41bdcd713e168ce9','conflict','unclear',1767225632.0,0,0,NULL,1767225603.0,1767225627.0,'TX',NULL,'other',1767225628.0,NULL);
INSERT INTO "payouts" VALUES(13,'PAYMENTEARLIER',0,NULL,1,14,10012,'{"mch_order_id": "PAYMENTEARLIER", "amount": 10012, "pay_method_code": "BANK", "account_no": "09171234562", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTEARLIER"}','d2fa1b913a60cb5f706fab9b4264462343d3fd0ab12664a3189ac723d4375ea4','preexisting','duplicate',1767225635.0,0,0,NULL,1767225603.0,1767225630.0,NULL,NULL,NULL,1767225631.0,NULL);
INSERT INTO "payouts" VALUES(14,'PAYMENTOFFERED',0,NULL,2,2,10020,'{"mch_order_id": "PAYMENTOFFERED", "amount": 10020, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTOFFERED"}','8892a38ec0e875325a34acc4570263c9e1b8ebfa4922db6bea6ada3c8c0a3901','offered',NULL,0.0,0,0,NULL,1767225632.0,NULL,NULL,NULL,NULL,1767225632.0,NULL);
INSERT INTO "payouts" VALUES(15,'PAYMENTWITHDRAWN',15,NULL,2,3,10021,'{"mch_order_id": "PAYMENTWITHDRAWN", "amount": 10021, "pay_method_code": "BANK", "account_no": "09171234561", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTWITHDRAWN"}','82441d3704b7159be5af03abe20aea263556575eac5552b5b58816bca224b8bd','withdrawn',NULL,0.0,0,0,NULL,1767225632.0,NULL,NULL,NULL,NULL,1767225633.0,NULL);
INSERT INTO "payouts" VALUES(16,'PAYMENTNEW',0,NULL,3,2,10000,'{"mch_order_id": "PAYMENTNEW", "amount": 10000, "pay_method_code": "BANK", "account_no": "09171234560", "account_name": "Juan Cruz", "bank_code": "BPI", "idempotency_id": "PAYMENTNEW"}','e5943b0e94f3e8f2315beb1d5148626b4b6172ddcd141bcd3043474006432bc5','offered',NULL,0.0,0,0,NULL,1767225700.0,NULL,NULL,NULL,NULL,1767225700.0,'{"_dept": "B"}');
CREATE TRIGGER batch_log_stays BEFORE UPDATE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER batch_log_lasts BEFORE DELETE ON batch_log
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE INDEX payouts_due ON payouts (state, intake, due);
CREATE INDEX payouts_intake ON payouts (intake);
CREATE INDEX payouts_idempotency ON payouts (idempotency_id) WHERE idempotency_id IS NOT NULL;
CREATE TRIGGER moves_stay BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE VIEW moving AS
SELECT id, state AS was, state, reason, due, resends, looks, sent, transaction_id, code, message, updated,
    NULL AS event, NULL AS told, NULL AS epoch
FROM payouts;
CREATE TRIGGER moving_row INSTEAD OF INSERT ON moving BEGIN
    UPDATE payouts SET state = NEW.state, reason = nullif(NEW.reason, ''), due = NEW.due, resends = NEW.resends,
        looks = NEW.looks, absent_since = NULL, sent = nullif(NEW.sent, ''),
        transaction_id = nullif(NEW.transaction_id, ''), code = nullif(NEW.code, ''),
        message = nullif(NEW.message, ''), updated = NEW.updated
    WHERE id = NEW.id AND state = NEW.was
        AND (NEW.epoch = '' OR NEW.epoch = (SELECT value FROM meta WHERE key = 'epoch'));
    INSERT INTO moves (payout, at, event, state, code, message)
    SELECT NEW.id, NEW.updated, NEW.event, NEW.state, CASE WHEN NEW.told THEN nullif(NEW.code, '') END,
        CASE WHEN NEW.told THEN nullif(NEW.message, '') END
    WHERE changes() = 1;
    UPDATE payouts SET withdrawn = 0 WHERE NEW.was = 'withdrawn' AND id = NEW.id AND state = NEW.state;
END;
PRAGMA user_version = 3;
COMMIT;
