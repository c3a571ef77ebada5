"""Times without a zone, and inquiries without an id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paycools_async import (
    InvalidRequest,
)
from paycools_async.converters import structure
from paycools_async.countries import zone_of
from paycools_async.global_api import (
    QueryUnifiedPayment,
)
from paycools_async.global_api.base import GlobalPayoutStatus, PayoutEvent


@pytest.mark.parametrize(("country", "hours"), [("PH", 8), ("MY", 8), ("ID", 7), ("TH", 7), ("RU", 8), (None, 8)])
def test_a_time_without_a_zone_is_local_to_its_country(country: str | None, hours: int) -> None:
    raw = {"mchOrderId": "A1", "transactionId": "D1", "transactionStatus": "PENDING"}
    naive = {**raw, "createTime": "2023-05-04 11:43:08", "returnTime": None}
    status = structure({**naive, "countryCode": country}, GlobalPayoutStatus)
    assert status.create_time == datetime(2023, 5, 4, 11 - hours, 43, 8, tzinfo=UTC)
    assert status.create_time.utcoffset() == timedelta(hours=hours)
    assert zone_of(country).utcoffset(None) == timedelta(hours=hours)
    own = structure({**naive, "countryCode": country, "createTime": "2024-07-19T14:14:47+08:00"}, GlobalPayoutStatus)
    assert own.create_time == datetime(2024, 7, 19, 6, 14, 47, tzinfo=UTC)


def test_a_published_id_holds_the_moment_that_its_time_says() -> None:
    """Why UTC+7 is taken for Indonesia and Thailand, and UTC+8 for refunds: ids made of milliseconds since 2010."""

    def made(transaction_id: int) -> datetime:
        return datetime.fromtimestamp(((transaction_id >> 22) + 1_288_834_974_657) // 1000, UTC).replace(tzinfo=None)

    indonesian = datetime(2023, 3, 1, 9, 45, 58)  # noqa: DTZ001 - as printed
    assert made(1630761265167208448) == indonesian - timedelta(hours=7)
    thai = datetime(2023, 3, 2, 9, 25, 12)  # noqa: DTZ001
    assert thai - made(1631118424367169536) == timedelta(hours=7, seconds=1)
    refund = datetime(2024, 7, 31, 11, 38, 54)  # noqa: DTZ001
    assert made(1818491499290169344) == refund - timedelta(hours=8)


def test_a_wrong_time_is_named_with_its_field() -> None:
    raw = {"mchOrderId": "A1", "transactionId": "D1", "transactionStatus": "PENDING", "createTime": "soon"}
    with pytest.raises(ValueError, match="create_time"):
        structure(raw, GlobalPayoutStatus)
    with pytest.raises(ValueError, match="'amount' is missing"):
        structure({**raw, "eventName": "x"}, PayoutEvent)


def test_an_inquiry_needs_one_of_the_two_ids() -> None:
    with pytest.raises(InvalidRequest, match="mch_order_id: give mch_order_id or transaction_id"):
        QueryUnifiedPayment(country_code="PH")
