"""An answer about another order is no answer about ours: not in any call that names one, nor under any HTTP status."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.engine_stage import ORDER, QUERY, RESET, Stage, says

from paycools_async import (
    Effect,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    NotFound,
    OrderConflict,
    Outcome,
    OutcomeUnknown,
    PayCoolsGlobal,
    PayCoolsPH,
    PayoutStatus,
    Purpose,
    Retry,
)
from paycools_async.batch.ledger.payload import body_of
from paycools_async.batch.run.payout_api import GlobalPayouts, PHPayouts
from paycools_async.errors import UnexpectedAnswer
from paycools_async.global_api.countries.indonesia import QueryIndonesianPayout
from paycools_async.ph.checkout import QueryCheckout
from paycools_async.ph.cpm import QueryCPMPayment
from paycools_async.ph.refund import CreateRefund
from paycools_async.signing import PrivateKey
from paycools_async.testing import FakePayCools, ManualClock

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

OTHER = "ORDER0000009"


def about(order_id: Any, **more: Any) -> HttpResponse:
    data = {"mchOrderId": order_id, "transactionId": "D9", "transactionStatus": "COMPLETE", "amount": 50010, **more}
    return says(1000, data=data)


ASKING: dict[str, Callable[[PayCoolsPH], Any]] = {
    "send": lambda client: client.send(QUERY),
    "query": lambda client: client.payouts.query(mch_order_id=ORDER.mch_order_id),
    "find": lambda client: client.payouts.find(ORDER.mch_order_id),
    "wait_until_final": lambda client: client.payouts.wait_until_final(ORDER.mch_order_id),
    "resolve": lambda client: client.payouts.resolve(ORDER),
    "resolve with resend": lambda client: client.payouts.resolve(ORDER, resend=True),
    "call": lambda client: client.call("GET", "/api/v1/payout/check", {"mchOrderId": ORDER.mch_order_id}),
    "batch": lambda client: PHPayouts(client).inquire(ORDER.mch_order_id),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING.keys())
async def test_a_status_of_another_order_never_passes(key_pem: str, ask: Callable[[PayCoolsPH], Any]) -> None:
    async with Stage(key_pem, RESET, about(OTHER)) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        with pytest.raises(OrderConflict, match=OTHER) as caught:
            await ask(stage.client)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert [record.order_id for record in stage.client.in_doubt] == [ORDER.mch_order_id]
        assert [request.method for request in stage.sent] == ["POST", "GET"], "and nothing is sent again for it"


SENDING: dict[str, Callable[[PayCoolsPH], Any]] = {
    "send": lambda client: client.send(ORDER),
    "create": lambda client: client.payouts.create(
        mch_order_id=ORDER.mch_order_id,
        amount=50010,
        pay_method_code="EWALLET",
        ewallet_code="GCASH",
        account_no="09171234567",
        account_name="Juan Dela Cruz",
    ),
    "call": lambda client: client.call("POST", "/api/v1/payout", {"mchOrderId": ORDER.mch_order_id}),
}


@pytest.mark.parametrize("send", SENDING.values(), ids=SENDING.keys())
async def test_a_receipt_of_another_order_leaves_ours_in_doubt(key_pem: str, send: Callable[[PayCoolsPH], Any]) -> None:
    async with Stage(key_pem, about(OTHER)) as stage:
        with pytest.raises(OutcomeUnknown, match=f"about order id {OTHER}, ours is {ORDER.mch_order_id}"):
            await send(stage.client)
        assert [record.order_id for record in stage.client.in_doubt] == [ORDER.mch_order_id]
        assert len(stage.sent) == 1


async def test_a_receipt_over_another_amount_leaves_the_refund_in_doubt(key_pem: str) -> None:
    """Under our own ids."""
    refund = CreateRefund(
        mch_refund_order_id="R1",
        original_transaction_id="T1",
        refund_amount=5000,
        refund_callback_url="https://shop.ph",
    )
    data = {"mchRefundOrderId": "R1", "refundTransactionId": "D1", "refundAmount": 50000}
    async with Stage(key_pem, says(1000, data=data)) as stage:
        with pytest.raises(OutcomeUnknown, match="the answer is about amount 50000, ours is 5000"):
            await stage.client.send(refund)


async def test_a_batch_does_not_take_the_receipt_of_another_order(key_pem: str) -> None:
    async with Stage(key_pem, about(OTHER)) as stage:
        api = PHPayouts(stage.client)
        _, send = api.prepare(body_of(ORDER))
        with pytest.raises(OutcomeUnknown, match=f"about order id {OTHER}"):
            await send(not_after=stage.clock.monotonic() + 10)


async def test_the_same_order_written_as_a_number_passes(key_pem: str) -> None:
    async with Stage(key_pem, says(1000, data={"mchOrderId": 12345678, "transactionId": "D1"})) as stage:
        assert (await stage.client.call("GET", "/api/v1/x", {"mchOrderId": "12345678"}))["mchOrderId"] == 12345678


@pytest.mark.parametrize(
    ("request_", "data"),
    [
        (
            QueryCPMPayment(mch_order_id="O1"),
            {"transactionId": "T1", "mchOrderId": OTHER, "transactionStatus": "COMPLETE"},
        ),
        (
            QueryCheckout(mch_order_id="O1", checkout_id="K1"),
            {"mchOrderId": "O1", "checkoutId": "K2", "status": "COMPLETE"},
        ),
    ],
)
async def test_an_id_that_the_result_class_does_not_know_is_compared_too(
    key_pem: str, request_: Any, data: dict[str, Any]
) -> None:
    async with Stage(key_pem, says(1000, data=data)) as stage:
        with pytest.raises(OrderConflict, match="the answer is about"):
            await stage.client.send(request_)


async def test_of_a_call_without_a_class_each_id_that_the_answer_names_is_compared(key_pem: str) -> None:
    """Also where it does not name the first of them."""
    async with Stage(key_pem, says(1000, data={"checkoutId": "K2"})) as stage:
        with pytest.raises(OrderConflict, match="the answer is about checkout id K2, ours is K1"):
            await stage.client.call("GET", "/api/v1/x", {"mchOrderId": "O1", "checkoutId": "K1"})


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (
            "O1\u200b",
            "the answer is about order id O1?, ours is O1; they differ in characters that are not seen, or look alike",
        ),
        ("\uff2f1", "ours is O1; they differ in characters that are not seen, or look alike"),
        ("o1", "the answer is about order id o1, ours is O1; nothing is known of ours"),
        ("O2", "the answer is about order id O2, ours is O1; nothing is known of ours"),
    ],
)
async def test_ids_that_look_alike_are_told_apart(key_pem: str, answered: str, told: str) -> None:
    data = {"mchOrderId": answered, "transactionId": "T1", "transactionStatus": "COMPLETE"}
    async with Stage(key_pem, says(1000, data=data)) as stage:
        with pytest.raises(OrderConflict) as caught:
            await stage.client.send(QueryCPMPayment(mch_order_id="O1"))
    assert told in str(caught.value)


# --- "not found" in a text that is not PayCools' answer ---------------------------------------------------------------

STATUSES = [201, 204, 400, 401, 403, 404, 410, 429, 500, 502, 503]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("ask", ["find", "query", "wait_until_final", "resolve", "batch"])
async def test_not_found_under_another_http_status_is_no_absence(key_pem: str, ask: str, status: int) -> None:
    page = says(1008, "transaction not found", status=status)
    async with Stage(key_pem, RESET, page, retry=Retry(attempts=1)) as stage:
        with pytest.raises(OutcomeUnknown):
            await stage.client.send(ORDER)
        with pytest.raises((UnexpectedAnswer, OutcomeUnknown)) as caught:
            await ASKING[ask](stage.client)
        assert caught.value.outcome is Outcome.UNKNOWN
        assert not isinstance(caught.value, NotFound)
        assert len(stage.client.in_doubt) == 1
        assert [request.method for request in stage.sent] == ["POST", "GET"]


@pytest.mark.parametrize("status", STATUSES)
async def test_nor_in_the_global_api(key: PrivateKey, status: int) -> None:
    fake = FakePayCools(clock=ManualClock(), global_private_key=key)
    page = says(21006, "Merchant transaction not found", status=status)

    def handle(request: HttpRequest) -> HttpResponse:
        return page

    async with PayCoolsGlobal(
        fake.global_credentials, transport=MemoryTransport(handle), clock=fake.clock, retry=Retry(attempts=1)
    ) as client:
        for asking in (
            client.send(QueryIndonesianPayout(mch_order_id="O1")),
            client.indonesia.payouts.find("O1"),
            client.indonesia.payouts.wait_until_final("O1"),
            GlobalPayouts(client, "ID").inquire("O1"),
            client.call("POST", "/open-api/x/query", {"mchOrderId": "O1"}, effect=Effect.READS),
        ):
            with pytest.raises(UnexpectedAnswer) as caught:
                await asking
            assert caught.value.status == status


async def test_under_http_200_it_is_absence(key_pem: str) -> None:
    async with Stage(key_pem, says(1008)) as stage:
        assert await stage.client.payouts.find(ORDER.mch_order_id) is None
        with pytest.raises(NotFound):
            await stage.client.call("GET", "/api/v1/x", {"mchOrderId": "O1"}, purpose=Purpose.READ)


async def test_ours_passes(key_pem: str) -> None:
    async with Stage(key_pem, about(ORDER.mch_order_id)) as stage:
        assert isinstance(await stage.client.payouts.find(ORDER.mch_order_id), PayoutStatus)
