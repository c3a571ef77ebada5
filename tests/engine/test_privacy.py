"""Nothing secret is said: not in errors, logs or reprs."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterable

import pytest
from support.engine_stage import ORDER, QUERY, SUCCESS, TABLE, Stage, Step, says

from paycools_async import OutcomeUnknown, QueryPayout, errors
from paycools_async.batch.ledger.payload import body_of
from paycools_async.batch.run.payout_api import PHPayouts
from paycools_async.engine.attempts import Reply
from paycools_async.errors import PayCoolsError
from paycools_async.wire.answer import read_answer

HIDDEN = ["09171234567", "Juan Dela Cruz", "callback secret", "BEGIN PRIVATE KEY", "MII"]


def leaks(text: str) -> list[str]:
    return [secret for secret in HIDDEN if secret in text]


def chain(error: BaseException) -> Iterable[BaseException]:
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


async def test_personal_data_in_messages_of_paycools_is_masked(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:09171234567 of Juan Dela Cruz is not valid")) as stage:
        with pytest.raises(errors.InvalidParameter) as caught:
            await stage.client.send(ORDER)
    assert caught.value.message == "accountNo:*** of *** is not valid"
    assert str(caught.value) == (
        "ph.payout.create ORDER0000001: 1009 accountNo:*** of *** is not valid (correct the field)"
    )
    assert not leaks(repr(caught.value))


async def test_a_batchs_payout_is_masked_by_its_frozen_fields(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:09171234567 of Juan Dela Cruz is not valid")) as stage:
        _, send = PHPayouts(stage.client).prepare(body_of(ORDER))
        with pytest.raises(errors.InvalidParameter) as caught:
            await send(not_after=stage.clock.monotonic() + 10)
    assert caught.value.message == "accountNo:*** of *** is not valid"


@pytest.mark.parametrize("step", [row[0] for row in TABLE.values()], ids=TABLE.keys())
async def test_errors_and_logs_hold_no_secret(key_pem: str, step: Step, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Stage(key_pem, step) as stage:
        with pytest.raises(PayCoolsError) as caught:
            await stage.client.send(ORDER)
    for error in chain(caught.value):
        assert not leaks(str(error) + repr(error) + "".join(traceback.format_exception(error)))
    assert not leaks(caplog.text)


async def test_nothing_shows_secrets_in_its_repr(key_pem: str) -> None:
    async with Stage(key_pem, SUCCESS) as stage:
        exchange = await stage.client.exchange(ORDER)
        shown = [stage.client, stage.client.credentials, stage.client.credentials.private_key, ORDER, exchange]
        answer = says(1000, "to Juan Dela Cruz", data={"accountNo": "09171234567"})
        read = read_answer(answer.status, answer.headers, answer.body)
        shown += [answer, read, Reply(read, read.data, answer)]
        shown += [stage.sent[0], stage.client._engine.prepare.request(QUERY), OutcomeUnknown("x", request=ORDER)]
        for thing in shown:
            assert not leaks(repr(thing) + str(thing)), type(thing).__name__
        assert repr(stage.client) == "<PayCoolsPH UAT https://api-uat.paycools.com app_id='APP1'>"
        assert repr(stage.client.credentials) == "PHCredentials(app_id='APP1', app_name='Sari Sari')"
        assert "account_no='***', account_name='***'" in repr(ORDER)


async def test_the_log_holds_no_secret_and_nothing_of_a_person(key_pem: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    steps = (SUCCESS, says(1018), says(1013, "09171234567"), says(1009, "accountNo:09171234567 of Juan Dela Cruz"))
    for step in steps:
        async with Stage(key_pem, step) as stage:
            for sending in (stage.client.send(ORDER), stage.client.send(QUERY)):
                with contextlib.suppress(PayCoolsError):
                    await sending
    records = [record for record in caplog.records if record.name.startswith("paycools_async")]
    assert len(records) > 8
    for record in records:
        assert not leaks(record.getMessage() + repr(vars(record))), vars(record)


async def test_personal_data_in_the_reason_of_a_refused_parameter_is_masked(key_pem: str) -> None:
    async with Stage(key_pem, says(1009, "accountNo:09171234567 is not valid")) as stage:
        with pytest.raises(errors.InvalidParameter) as caught:
            await stage.client.send(ORDER)
    assert caught.value.reason == "*** is not valid"


async def test_personal_data_in_a_success_that_cannot_be_read_is_masked(key_pem: str) -> None:
    """It is no refusal, and its answer goes with the error all the same."""
    data = {"nothing": "known", "remark": "to 09171234567, Juan Dela Cruz"}
    async with Stage(key_pem, says(1000, "sent to Juan Dela Cruz", data=data)) as stage:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.client.send(ORDER)
    assert caught.value.answer is not None
    assert caught.value.answer["message"] == "sent to ***"
    assert not leaks(repr(caught.value.answer))


@pytest.mark.parametrize("code", [1004, 1009])
async def test_a_number_that_the_answer_to_an_inquiry_names_is_masked_and_the_order_is_not(
    key_pem: str, code: int
) -> None:
    said = "order 202611000331 of account +63 917 123-4567, day 20261126, D1032653961082864323 is not valid"
    query = QueryPayout(mch_order_id="202611000331")
    async with Stage(key_pem, says(code, said)) as stage:
        with pytest.raises(errors.ApiError) as caught:
            await stage.client.send(query)
    masked = "order 202611000331 of account ***, day 20261126, D1032653961082864323 is not valid"
    assert masked in str(caught.value)
    assert caught.value.answer is not None
    assert caught.value.answer["message"] == masked
