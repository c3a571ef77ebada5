"""What PayCools says is shown without whose payment it is about, however it is written there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.engine_stage import ORDER, Stage, says

from paycools_async import errors
from paycools_async.batch.ledger.payload import body_of
from paycools_async.batch.ledger.row import Row, apply_event
from paycools_async.batch.states import Event, State
from paycools_async.privacy.redaction import personal_texts, redacted


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("account 09171234567 is closed", "account *** is closed"),
        ("account 639171234567 is closed", "account 63*** is closed"),
        ("account 9171234567 is closed", "account *** is closed"),
        ("account 0917-123-4567 is closed", "account *** is closed"),
        ("account 0917 123 4567 is closed", "account *** is closed"),
        ("account 0917.1234567, is closed", "account ***, is closed"),
        ("JUAN DELA CRUZ is not known", "*** is not known"),
        ("Juan  Dela-Cruz is not known", "*** is not known"),
        ("name:JuanDelaCruz", "name:***"),
        ("name Juan_Dela_Cruz", "name ***"),
        ("Juana Delacruzado is another", "Juana Delacruzado is another"),
        *[
            (f"account 0917{dash}123{dash}4567 is", "account *** is")
            for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
        ],
        *[(f"account 0917{dash}123{dash}4567 is", "account *** is") for dash in "\ufe58\ufe63\uff0d"],
        ("account (0917) 123, 4567 is", "account (*** is"),
        ("account 0917   123   4567 is", "account *** is"),
        ("account 0917%20123%204567 is", "account *** is"),
        ("account \uff10\uff19\uff11\uff17\uff11\uff12\uff13\uff14\uff15\uff16\uff17 is", "account *** is"),
        ("account \u0660\u0669\u0661\u0667\u0661\u0662\u0663\u0664\u0665\u0666\u0667 is", "account *** is"),
        ("account 0917\u200b123\u20604567 is", "account *** is"),
        ("name Juan+Dela+Cruz.", "name ***."),
        ("name Juan%20Dela%20Cruz.", "name ***."),
        ("name Juan \u2013   Dela \u00a0 Cruz.", "name ***."),
        ("name \uff2a\uff35\uff21\uff2e \uff24\uff25\uff2c\uff21 \uff23\uff32\uff35\uff3a.", "name ***."),
        ("n\u00e4me x\u200bJu\u00adan D\u00e9la Cruz\u0301.", "n\u00e4me x\u200b***\u0301."),
        ("order PAY109171234568 stays", "order PAY109171234568 stays"),
    ],
)
def test_it_is_found_in_every_spelling(said: str, shown: str) -> None:
    assert redacted(said, personal_texts(ORDER)) == shown


@pytest.mark.parametrize("name", ["A", "an", "Li", " a "])
def test_a_short_name_eats_no_words(name: str) -> None:
    said = "A bank said: an account of Li is a closed one"
    assert redacted(said, [name]) == said


def test_a_name_inside_a_word_stays() -> None:
    assert redacted("the banker is not banke", ["Bank"]) == "the banker is not banke"
    assert redacted("error 1009 of order 51009", ["1009"]) == "error *** of order 51009"


def test_long_texts_and_many_secrets_take_no_time() -> None:
    began = time.thread_time()
    said = "1 2-3.4 " * 5_000 + "a b " * 5_000
    redacted(said, ["1234" * 200, "ab" * 200, "0" + "12" * 20, "A B"])
    assert time.thread_time() - began < 2


def _row(body: str) -> Row:
    facts: dict[str, Any] = {"digest": "", "reason": None, "resends": 0, "inquiries": 0, "absent_since": None}
    facts |= {"transaction_id": "D1", "code": None, "message": None, "updated": 0.0, "sent": 1.0, "amount": 50010}
    return Row(id=1, order_id="ORDER1", intake=1, line=2, body=body, state=State.ACCEPTED, entered=0.0, **facts)


def test_a_failed_message_enters_the_ledger_without_the_recipient() -> None:
    said = {"message": "account 0917-123-4567 of JUAN DELA CRUZ\nverified: \x1b[2J closed", "code": -10010}
    after = apply_event(_row(body_of(ORDER)), Event.FOUND_FAILED, said)
    assert after.message == "account *** of ***?verified: ?[2J closed"


def test_its_length_is_bounded() -> None:
    after = apply_event(_row(body_of(ORDER)), Event.FOUND_FAILED, {"message": "x" * 60_000, "code": -10010})
    assert len(after.message or "") == 2_000


@pytest.mark.parametrize("code", [1009, 1404, 5555])
async def test_the_escape_hatch_hides_what_was_sent(key_pem: str, code: int) -> None:
    fields = {
        "mchOrderId": "ORDER1",
        "accountNo": "09171234567",
        "accountName": "Juan Dela Cruz",
        "newField": "Secreto",
    }
    said = "accountNo:0917 123 4567 of JUAN DELA CRUZ, secreto, order ORDER1"
    async with Stage(key_pem, says(code, said)) as stage:
        with pytest.raises(errors.PayCoolsError) as caught:
            await stage.client.call("POST", "/api/v1/payout", fields)
    assert "accountNo:*** of ***, ***, order ORDER1" in str(caught.value)


async def test_an_error_is_one_line_without_escapes_and_not_endless(key_pem: str) -> None:
    said = "no\nverified: PAY1\x1b[31m \u202e reversed " + "x" * 60_000
    async with Stage(key_pem, says(1009, said)) as stage:
        with pytest.raises(errors.PayCoolsError) as caught:
            await stage.client.send(ORDER)
    assert str(caught.value).isprintable()
    assert "no?verified: PAY1?[31m ? reversed xxx" in str(caught.value)
    assert len(str(caught.value)) < 500
