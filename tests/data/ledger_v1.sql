BEGIN TRANSACTION;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('currency','PHP');
INSERT INTO "meta" VALUES('identity','ph APP1 localhost');
CREATE TABLE moves (
    id INTEGER PRIMARY KEY,
    payout INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    code INTEGER,
    message TEXT
);
INSERT INTO "moves" VALUES(1,2,1767225621.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(2,2,1767225622.0,'not_sent','planned',NULL,NULL);
INSERT INTO "moves" VALUES(3,3,1767225623.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(4,3,1767225624.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(5,3,1767225625.0,'absent','planned',NULL,NULL);
INSERT INTO "moves" VALUES(6,4,1767225626.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(7,5,1767225627.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(8,5,1767225628.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(9,6,1767225629.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(10,6,1767225630.0,'duplicate','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(11,7,1767225631.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(12,7,1767225632.0,'doubted','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(13,8,1767225633.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(14,8,1767225634.0,'crashed','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(15,9,1767225635.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(16,9,1767225636.0,'accepted','accepted',NULL,NULL);
INSERT INTO "moves" VALUES(17,10,1767225637.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(18,10,1767225638.0,'accepted','accepted',NULL,NULL);
INSERT INTO "moves" VALUES(19,10,1767225639.0,'found_complete','settled',NULL,NULL);
INSERT INTO "moves" VALUES(20,11,1767225640.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(21,11,1767225641.0,'rejected','failed',1003,'refused');
INSERT INTO "moves" VALUES(22,12,1767225642.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(23,12,1767225643.0,'unclear','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(24,12,1767225644.0,'mismatch','conflict',NULL,NULL);
INSERT INTO "moves" VALUES(25,13,1767225645.0,'send','sending',NULL,NULL);
INSERT INTO "moves" VALUES(26,13,1767225646.0,'duplicate','unknown',NULL,NULL);
INSERT INTO "moves" VALUES(27,13,1767225647.0,'absent','conflict',NULL,NULL);
CREATE TABLE payouts (
    id INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
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
    transaction_id TEXT,
    code INTEGER,
    message TEXT,
    updated REAL NOT NULL
);
INSERT INTO "payouts" VALUES(1,'PLANNED',1,2,10000,'{"mch_order_id": "PLANNED", "amount": 10000, "pay_method_code": "EWALLET", "account_no": "09170001111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "01b0b3e3f668f02d37fb1ee4a47983"}','c62f74ba6d2fe32a63186ee27b69acbae1728afadfff03af42284e26594be47c','planned',NULL,0.0,0,0,NULL,NULL,NULL,NULL,1767225600.0);
INSERT INTO "payouts" VALUES(2,'NOTSENT',1,3,10001,'{"mch_order_id": "NOTSENT", "amount": 10001, "pay_method_code": "EWALLET", "account_no": "09170011111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "d87c4e821e2ca4af7b2cfa15446eb3"}','3cee44ca68f2c6db4231722ed1178cc64535874d29fb44ae2cfd482e7475c09b','planned',NULL,1767225627.0,0,0,NULL,NULL,NULL,NULL,1767225622.0);
INSERT INTO "payouts" VALUES(3,'RESEND',1,4,10002,'{"mch_order_id": "RESEND", "amount": 10002, "pay_method_code": "EWALLET", "account_no": "09170021111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "14e49ae388ac023fe93269b489cdba"}','688bf2067c3b7cc7e9415615df69fed903c23ccc46028018999b3ab603dea29c','planned','unclear',1767225630.0,1,0,NULL,NULL,NULL,NULL,1767225625.0);
INSERT INTO "payouts" VALUES(4,'SENDING',1,5,10003,'{"mch_order_id": "SENDING", "amount": 10003, "pay_method_code": "EWALLET", "account_no": "09170031111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "c77a1ee41e1a4754d43687553619f1"}','35bae0e19a84ceef1472640d4478b14643a871e156f72750b75a70e13842ce38','sending',NULL,1767225631.0,0,0,NULL,NULL,NULL,NULL,1767225626.0);
INSERT INTO "payouts" VALUES(5,'UNCLEAR',1,6,10004,'{"mch_order_id": "UNCLEAR", "amount": 10004, "pay_method_code": "EWALLET", "account_no": "09170041111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "da22b657b76066ae80c58f1089bb7f"}','27c703214904991400562f55fbd92a14ace3de7fb742c00e59b66b5d9f1736b2','unknown','unclear',1767225633.0,0,0,NULL,NULL,NULL,NULL,1767225628.0);
INSERT INTO "payouts" VALUES(6,'DUPLICATE',1,7,10005,'{"mch_order_id": "DUPLICATE", "amount": 10005, "pay_method_code": "EWALLET", "account_no": "09170051111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "a45dd8c57dcc3bbf5855a176900814"}','0144c1ed281987a9c5e6ee9b8c252c03fec68f9bd5eb2c736689ab622f2ce4d7','unknown','duplicate',1767225635.0,0,0,NULL,NULL,NULL,NULL,1767225630.0);
INSERT INTO "payouts" VALUES(7,'DOUBTED',2,8,10006,'{"mch_order_id": "DOUBTED", "amount": 10006, "pay_method_code": "EWALLET", "account_no": "09170061111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "bfc9c66b9fd0211543a9925b47735b"}','58af4d378c21758b6784200112757482285bd82e6f941b99095ef74c47bdc8e1','unknown','doubted',1767225637.0,0,0,NULL,NULL,NULL,NULL,1767225632.0);
INSERT INTO "payouts" VALUES(8,'CRASHED',2,9,10007,'{"mch_order_id": "CRASHED", "amount": 10007, "pay_method_code": "EWALLET", "account_no": "09170071111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "00f5183f3feac661b8a34f6a871c68"}','fbe7695baafe06e0fa536bea18a2cee6efa5158796d028d664a60030cd9e2a9a','unknown','crashed',1767225639.0,0,0,NULL,NULL,NULL,NULL,1767225634.0);
INSERT INTO "payouts" VALUES(9,'ACCEPTED',2,10,10008,'{"mch_order_id": "ACCEPTED", "amount": 10008, "pay_method_code": "EWALLET", "account_no": "09170081111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "25ab960d578e9fb9c7cb17ddbf211f"}','7a6b80c6e18d2403a28a97aacafe019aaa6dd3b17a90bc85129033b36bbac4f7','accepted',NULL,1767225641.0,0,0,NULL,'TACCEPTED',NULL,NULL,1767225636.0);
INSERT INTO "payouts" VALUES(10,'SETTLED',2,11,10009,'{"mch_order_id": "SETTLED", "amount": 10009, "pay_method_code": "EWALLET", "account_no": "09170091111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "3328d43aab0a406df87480aa6b69af"}','6cc60db7fcb1403b90d3f31346ee66dc351b4c7ed181c16fb3c19605f96e75af','settled',NULL,1767225644.0,0,0,NULL,'TSETTLED',NULL,NULL,1767225639.0);
INSERT INTO "payouts" VALUES(11,'FAILED',2,12,10010,'{"mch_order_id": "FAILED", "amount": 10010, "pay_method_code": "EWALLET", "account_no": "09170101111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "02bd349299173f7fdf2dbc983d7096"}','0765b11201305c0bbb471ac30d993e3af6804c1c07ec5ba26bf229980b66aaf0','failed',NULL,1767225646.0,0,0,NULL,NULL,1003,'refused',1767225641.0);
INSERT INTO "payouts" VALUES(12,'MISMATCH',2,13,10011,'{"mch_order_id": "MISMATCH", "amount": 10011, "pay_method_code": "EWALLET", "account_no": "09170111111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "9b7b602d13052959309dbedcac243c"}','57168a7cfd2beb482db26a93679b5b90d85bcb2c34d942906d58ec9fe24b94db','conflict','unclear',1767225649.0,0,0,NULL,NULL,NULL,NULL,1767225644.0);
INSERT INTO "payouts" VALUES(13,'ABSENT',2,14,10012,'{"mch_order_id": "ABSENT", "amount": 10012, "pay_method_code": "EWALLET", "account_no": "09170121111", "account_name": "Juan Dela Cruz", "ewallet_code": "GCASH", "idempotency_id": "08b6a0bc6906cd596f1458be5ac291"}','aeaedcc0979904f718ea752551226bdf5ce90badea432f57d8950661e13e0b3f','conflict','duplicate',1767225652.0,0,0,NULL,NULL,NULL,NULL,1767225647.0);
CREATE INDEX payouts_due ON payouts (state, due);
CREATE TRIGGER moves_stay BEFORE UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
CREATE VIEW moving AS
SELECT id, state AS was, state, reason, due, resends, looks, transaction_id, code, message, updated, NULL AS event,
    NULL AS told
FROM payouts;
CREATE TRIGGER moving_row INSTEAD OF INSERT ON moving BEGIN
    UPDATE payouts SET state = NEW.state, reason = nullif(NEW.reason, ''), due = NEW.due, resends = NEW.resends,
        looks = NEW.looks, absent_since = NULL, transaction_id = nullif(NEW.transaction_id, ''),
        code = nullif(NEW.code, ''), message = nullif(NEW.message, ''), updated = NEW.updated
    WHERE id = NEW.id AND state = NEW.was;
    INSERT INTO moves (payout, at, event, state, code, message)
    SELECT NEW.id, NEW.updated, NEW.event, NEW.state, CASE WHEN NEW.told THEN nullif(NEW.code, '') END,
        CASE WHEN NEW.told THEN nullif(NEW.message, '') END
    WHERE changes() = 1;
END;
COMMIT;
PRAGMA user_version = 1;
