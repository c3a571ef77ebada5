"""The documented samples that several countries share, and how a sample is held against a class."""

from __future__ import annotations

import json
from typing import Any

import attrs

from paycools_async import InvalidRequest
from paycools_async.converters import structure, unstructure
from paycools_async.fields import wire_name
from paycools_async.testing import FakePayCools

PAYOUT_SETTLED = json.loads(
    '{"amount":10000,"createTime":"2023-03-02 09:25:12","eventName":"disbursement.success",'
    '"mchOrderId":"TestMchOrderIdD0001","remark":"remark","returnTime":"2023-03-02 09:25:12",'
    '"transactionId":"D1631118424367169536", "transactionStatus":"COMPLETED"}'
)
"""2.1.3, 3.1.3, 4.1.3, 5.1.3"""

PAYMENT_SETTLED = json.loads(
    '{"eventName":"order.payment.success","amount":50000,"channelCode":"ID_BCA_VA",'
    '"mchOrderId":"Platform653350151938813","createTime":"2023-01-01 09:38:06","remark":"test payment",'
    '"sign":"xxxxxxxxxxxxx","returnTime":"2023-01-01 09:40:06","transactionId":"C1032653961085706055",'
    '"transactionStatus":"COMPLETED"}'
)
"""2.2.3, 3.2.3, 4.2.3; with an inner `sign` of no meaning"""

STATIC_PAYMENT_SETTLED = {**PAYMENT_SETTLED, "eventName": "static.order.payment.success"}
"""2.3.4, 3.3.4, 5.3.4"""

PAYOUT_FAILED = {
    "mchOrderId": "MCHORDERIDC00001",
    "transactionId": "D1656505190221611008",
    "amount": 3000,
    "transactionStatus": "FAILED",
    "createTime": "2023-05-04 11:43:08",
    "returnTime": "2023-05-04 11:43:47",
    "failedCode": -10004,
    "failedMessage": "Transaction Channel Rejected",
}
"""3.1.2, 5.1.2"""

PAYMENT_PENDING = {
    "mchOrderId": "Platform0000001_30",
    "transactionId": "C1030677482494880155",
    "amount": 2000000,
    "transactionStatus": "PENDING",
    "createTime": "2023-02-27 15:21:35",
    "customerName": "user01",
    "channelCode": "PH_GCASH_URL",
    "email": "Platform@gmail.com",
}
"""2.2.2, and by way of it 3.2.2, 4.2.2, 5.2.2"""

STATIC_CODE = json.loads(
    '{"mchOrderId":"Platform0000058","customerName":"user01","channelCode":"PH_QRPH_STATIC","payMode":"WEB",'
    '"email":"Platform@gmail.com","mobile":"123456789","timestamp":"1679451632737"}'
)
"""2.3.1, and by way of it 3.3.1, 5.3.1: breaks the page's rule for mobile numbers, lacks the required notifyUrl"""

PAYMENT_QUERY = {"mchOrderId": "Platform0001", "timestamp": "1677133173758"}
PAYOUT_QUERY = {"mchOrderId": "MCHORDERIDC00001", "timestamp": "1677133173758"}


def events(fake: FakePayCools) -> list[dict[str, Any]]:
    """The notifications that are due, opened."""
    return [json.loads(json.loads(body)["param"]) for body in fake.global_merchant.due_callbacks()]


def parsed(sample: dict[str, Any], cls: type[Any], *, unknown: tuple[str, ...] = ()) -> Any:
    """The sample as the class reads it; every field of it but the `unknown` ones must have a name, and none is lost."""
    found = structure(sample, cls)
    names = {wire_name(field) for field in attrs.fields(cls)}
    assert set(sample) - names == set(unknown)
    assert found.raw == sample
    return found


def recreated(sample: dict[str, Any], cls: type[Any], **changes: Any) -> Any:
    """The request of a documented `param`; it must travel with every field of the sample as it stands there.

    `changes` replaces what breaks the documents' own rules, or adds what they require.
    """
    known = {wire_name(field): field.name for field in attrs.fields(cls)}
    own = {name: value for name, value in sample.items() if name != "timestamp"}
    assert set(own) <= set(known), "every field of the sample has a name"
    request = cls(**{**{known[name]: value for name, value in own.items()}, **changes})
    wanted = {**own, **{wire_name(getattr(attrs.fields(cls), name)): value for name, value in changes.items()}}
    travels = unstructure(request)
    assert {name: travels[name] for name in wanted} == wanted
    assert "timestamp" in cls.__endpoint__.client_fields
    return request


def reasons(cls: type[Any], **fields: Any) -> dict[str, str]:
    """What a request is refused for: field and reason."""
    try:
        cls(**fields)
    except InvalidRequest as error:
        return {each.field: each.reason for each in error.errors}
    return {}


def broken(cls: type[Any], **fields: Any) -> list[str]:
    """The names of the fields that a request is refused for."""
    return list(reasons(cls, **fields))
