"""Static codes of the Philippines, Indonesia and Thailand: created, paid many times, listed, cancelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import support.global_samples as samples

import paycools_async.testing.global_api.countries  # noqa: F401 - the fake plays these products once it is imported
from paycools_async import (
    ChannelUnavailable,
    DuplicateOrder,
    EndpointUnpublishedError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    PayCoolsGlobal,
    TransactionStatus,
    UnverifiedEndpointWarning,
)
from paycools_async.converters import unstructure
from paycools_async.global_api import (
    CancelPhilippineStaticCode,
    CreateIndonesianStaticCode,
    CreatePhilippineStaticCode,
    CreateThaiStaticCode,
    GetIndonesianStaticPayments,
    GetPhilippineStaticCode,
    GetPhilippineStaticPayments,
    GetThaiStaticPayments,
    IndonesianStaticPayment,
    IndonesianStaticPaymentSettled,
    PhilippineStaticPaymentSettled,
    StaticCode,
    StaticCodeStatus,
    StaticPayment,
    ThaiStaticPayment,
    ThaiStaticPaymentSettled,
)
from paycools_async.global_api.base import ChannelType
from paycools_async.global_api.countries.indonesia import Indonesia
from paycools_async.global_api.countries.philippines import PhilippineChannel, Philippines
from paycools_async.global_api.countries.thailand import Thailand
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.server.merchant import Refusal

pytestmark = pytest.mark.filterwarnings("ignore::paycools_async.UnverifiedEndpointWarning")

PHT = timezone(timedelta(hours=8))
WIB = timezone(timedelta(hours=7))
PATHS = {
    f"global.{country}.static.{call}": f"/given/{country}/{call}"
    for country in ("ph", "id", "th")
    for call in ("detail", "payments")
}
CODE: dict[str, Any] = {
    "mch_order_id": "TABLE7",
    "customer_name": "Juan Dela Cruz",
    "notify_url": "https://shop.example/paid",
    "email": "juan@shop.example",
    "mobile": "+639171234567",
    "channel_code": PhilippineChannel.QRPH_STATIC,
    "remark": "table 7",
}
SETTLED = {"ID": IndonesianStaticPaymentSettled, "TH": ThaiStaticPaymentSettled}


@pytest.fixture
def fake(key_pem: str, platform_key_pem: str, clock: ManualClock) -> FakePayCools:
    return FakePayCools(clock=clock, global_private_key=key_pem, platform_private_key=platform_key_pem, paths=PATHS)


@pytest.fixture
async def paycools(fake: FakePayCools) -> AsyncIterator[PayCoolsGlobal]:
    """A client that was given the unpublished paths."""
    async with PayCoolsGlobal(
        fake.global_credentials, transport=fake.transport(), clock=fake.clock, paths=PATHS
    ) as client:
        yield client


async def test_a_static_code_is_paid_twice_listed_cancelled_and_refused(
    paycools: PayCoolsGlobal, fake: FakePayCools, clock: ManualClock
) -> None:
    static = paycools.philippines.static
    code = await static.create(**CODE)
    assert (code.status, code.channel_type) == (StaticCodeStatus.ACTIVE, ChannelType.QR)
    assert (code.channel_code, code.create_time) == ("PH_QRPH_STATIC", datetime(2026, 1, 1, 8, tzinfo=PHT))
    assert code.pay_data is not None
    assert await static.detail(mch_order_id="TABLE7") == code

    await fake.pay(code.pay_data, 50010)
    clock.advance(86400)
    await fake.pay(code.pay_data, 700)
    first, second = (samples.parsed(sent, PhilippineStaticPaymentSettled) for sent in samples.events(fake))
    assert (first.event_name, first.mch_order_id, first.amount) == ("static.order.payment.success", "TABLE7", 50010)
    assert (second.amount, second.remark, second.channel_code) == (700, "table 7", "PH_QRPH_STATIC")
    assert first.transaction_id != second.transaction_id

    listed = await static.payments(mch_order_id="TABLE7")
    assert [(p.transaction_id, p.transaction_amount) for p in listed] == [
        (first.transaction_id, 50010),
        (second.transaction_id, 700),
    ]
    today = await static.payments(mch_order_id="TABLE7", start_date="2026-01-02", end_date="2026-01-02")
    assert [p.transaction_return_time for p in today] == [datetime(2026, 1, 2, 8, tzinfo=PHT)]

    gone = await static.cancel(mch_order_id="TABLE7", channel_code=PhilippineChannel.QRPH_STATIC)
    assert (gone.status, gone.expires_time) == (StaticCodeStatus.CANCEL, datetime(2026, 1, 2, 8, tzinfo=PHT))
    with pytest.raises(Refusal, match="closed"):
        await fake.pay(code.pay_data, 50010)
    assert samples.events(fake) == []


@pytest.mark.parametrize(
    ("country", "of", "mobile", "sent"),
    [("ID", Indonesia, "+62812345678", "0812345678"), ("TH", Thailand, "+66812345678", "0812345678")],
)
async def test_a_static_code_abroad_is_paid_twice_and_listed(
    paycools: PayCoolsGlobal, fake: FakePayCools, country: str, of: Any, mobile: str, sent: str
) -> None:
    static = of(paycools).static
    assert not hasattr(static, "cancel"), "the navigation has no such call"
    with pytest.warns(UnverifiedEndpointWarning, match="static/payment/generate is inferred"):
        code = await static.create(**{**CODE, "mobile": mobile, "channel_code": "ANY_VA"})
    assert (code.channel_type, code.create_time) == (ChannelType.VA, datetime(2026, 1, 1, 7, tzinfo=WIB))
    assert await static.detail(mch_order_id="TABLE7") == code
    await fake.pay(code.pay_data, 20000)
    await fake.pay("TABLE7", 30000)
    events = [samples.parsed(event, SETTLED[country]) for event in samples.events(fake)]
    assert [event.amount for event in events] == [20000, 30000]
    assert events[0].return_time == datetime(2026, 1, 1, 7, tzinfo=WIB)
    listed = await static.payments(mch_order_id="TABLE7", start_date="2026-01-01", end_date="2026-01-01")
    assert [payment.transaction_id for payment in listed] == [event.transaction_id for event in events]
    assert {payment.transaction_status for payment in listed} == {TransactionStatus.COMPLETE}


async def test_a_payment_on_a_code_may_fail(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    await paycools.philippines.static.create(**{**CODE, "mobile": "09170000000"})
    await fake.pay("TABLE7", 50010)
    (sent,) = samples.events(fake)
    event = samples.parsed(sent, PhilippineStaticPaymentSettled)
    assert (event.event_name, event.failed_code) == ("static.order.payment.failed", -10004)


async def test_static_codes_are_refused(paycools: PayCoolsGlobal) -> None:
    static = paycools.philippines.static
    await static.create(**CODE)
    with pytest.raises(DuplicateOrder):
        await static.create(**CODE)
    with pytest.raises(ChannelUnavailable):
        await static.create(**{**CODE, "mch_order_id": "TABLE8", "channel_code": "ID_BCA_VA"})
    with pytest.raises(NotFound):
        await static.cancel(mch_order_id="NOBODY", channel_code="PH_QRPH_STATIC")
    with pytest.raises(NotFound):
        await static.cancel(mch_order_id="TABLE7", channel_code="PH_QRPH_DYNAMIC")
    with pytest.raises(NotFound):
        await paycools.thailand.static.detail(mch_order_id="TABLE7")


async def test_an_unclear_creation_is_found_by_its_detail(paycools: PayCoolsGlobal, fake: FakePayCools) -> None:
    static = paycools.philippines.static
    fake.faults.drop_after(next=1)
    with pytest.raises(OutcomeUnknown) as caught:
        await static.create(**CODE)
    found = await static.detail(mch_order_id=caught.value.request.mch_order_id)
    assert found.status is StaticCodeStatus.ACTIVE


@pytest.mark.parametrize("of", [Philippines, Indonesia, Thailand])
async def test_the_unpublished_paths_have_to_be_supplied(fake: FakePayCools, of: Any) -> None:
    async with PayCoolsGlobal(fake.global_credentials, transport=fake.transport(), clock=fake.clock) as bare:
        with pytest.raises(EndpointUnpublishedError, match=r"static\.detail"):
            await of(bare).static.detail(mch_order_id="TABLE7")
        with pytest.raises(EndpointUnpublishedError, match=r"static\.payments"):
            await of(bare).static.payments(mch_order_id="TABLE7")
    assert fake.requests == {}


@pytest.mark.parametrize("cls", [GetPhilippineStaticPayments, GetIndonesianStaticPayments, GetThaiStaticPayments])
def test_the_days_of_a_list_are_in_order(cls: Any) -> None:
    with pytest.raises(InvalidRequest, match="end_date: is before start_date"):
        cls(mch_order_id="TABLE7", start_date="2026-01-02", end_date="2026-01-01")
    assert cls(mch_order_id="TABLE7", start_date="2026-01-02", end_date="2026-01-02").end_date == "2026-01-02"


def test_further_fields_of_an_unpublished_call_travel_with_the_rest() -> None:
    request = GetPhilippineStaticCode(mch_order_id="TABLE7", extra={"channelCode": "PH_QRPH_STATIC"})
    assert unstructure(request) == {"mchOrderId": "TABLE7", "channelCode": "PH_QRPH_STATIC"}


# Documented samples


@pytest.mark.parametrize(
    ("cls", "mobile"),
    [
        (CreatePhilippineStaticCode, "09123456789"),
        (CreateIndonesianStaticCode, "0812345678"),
        (CreateThaiStaticCode, "0812345678"),
    ],
)
def test_the_sample_of_a_creation(cls: Any, mobile: str) -> None:
    rest = {"notify_url": "https://test.com"}
    with pytest.raises(InvalidRequest) as caught:
        samples.recreated(samples.STATIC_CODE, cls, **rest)
    assert {error.field for error in caught.value.errors} == {"mobile"}
    assert samples.recreated(samples.STATIC_CODE, cls, **rest, mobile=mobile).pay_mode == "WEB"


def test_the_sample_of_a_cancellation() -> None:
    cancel = {"mchOrderId": "Platform0000001", "channelCode": "PH_QRPH_STATIC", "timestamp": "1677482490058"}
    samples.recreated(cancel, CancelPhilippineStaticCode)
    answer = {
        "mchOrderId": "Platform0000001",
        "payData": "281666040099hr4l48MSF31LJU2tl4Xv48AR",
        "channelCode": "PH_QRPH_STATIC",
        "createTime": "2023-09-07 11:53:52",
        "status": "CANCEL",
        "expiresTime": "2023-09-07 11:55:11",
    }
    code = samples.parsed(answer, StaticCode)
    assert (code.status, code.pay_data) == (StaticCodeStatus.CANCEL, answer["payData"])
    assert code.expires_time == datetime(2023, 9, 7, 11, 55, 11, tzinfo=PHT)


@pytest.mark.parametrize(
    ("cls", "zone"),
    [
        (PhilippineStaticPaymentSettled, PHT),
        (IndonesianStaticPaymentSettled, WIB),
        (ThaiStaticPaymentSettled, WIB),
    ],
)
def test_the_sample_of_a_notification(cls: Any, zone: timezone) -> None:
    event = samples.parsed(samples.STATIC_PAYMENT_SETTLED, cls, unknown=("sign",))
    assert event.event_name in cls.__event_names__
    assert (event.amount, event.channel_code, event.remark) == (50000, "ID_BCA_VA", "test payment")
    assert event.return_time == datetime(2023, 1, 1, 9, 40, 6, tzinfo=zone)


@pytest.mark.parametrize("cls", [StaticPayment, IndonesianStaticPayment, ThaiStaticPayment])
def test_the_rows_of_the_lists_relatives_parse(cls: Any) -> None:
    indonesian = {
        "transactionId": "C1630761265167208448",
        "transactionCreateTime": "2023-03-01 09:45:58",
        "transactionReturnTime": "2023-03-01 09:45:58",
        "transactionAmount": 10000,
        "transactionStatus": "COMPLETE",
        "remark": None,
        "mchOrderId": "TestMchOrderIdP0001",
        "channelCode": "ALFAMART_VA",
        "referenceNumber": "00012819",
    }
    thai = {
        "transactionId": "C1051669624201385891",
        "channelCode": "THAI_DYNAMIC_QR",
        "transactionCreateTime": "2022-11-28 16:30:01",
        "transactionReturnTime": "2022-11-28 18:00:00",
        "transactionAmount": 1000,
        "transactionStatus": "COMPLETED",
        "remark": "example",
    }
    first, second = samples.parsed(indonesian, cls), samples.parsed(thai, cls)
    assert (first.reference_number, second.transaction_amount) == ("00012819", 1000)
    assert first.transaction_status is second.transaction_status is TransactionStatus.COMPLETE
