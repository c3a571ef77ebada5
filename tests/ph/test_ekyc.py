"""eKYC: nothing is published, so everything is given by the merchant and kept as it came."""

from __future__ import annotations

import json

import pytest

from paycools_async import EndpointUnpublishedError, PayCoolsPH
from paycools_async.converters import structure
from paycools_async.ph.ekyc import EKYC, EKYCNotification
from paycools_async.testing import FakePayCools, ManualClock
from paycools_async.testing.ph.ekyc import EKYCRecords, notify_ekyc

PATHS = {"ph.ekyc.init": "/given/init", "ph.ekyc.result": "/given/result"}


async def test_given_paths_and_fields_are_signed_and_sent(key_pem: str, clock: ManualClock) -> None:
    fake = FakePayCools(clock=clock, private_key=key_pem, paths=PATHS)
    async with PayCoolsPH(fake.ph_credentials, transport=fake.transport(), clock=clock, paths=PATHS) as client:
        ekyc = EKYC(client)
        started = await ekyc.init(extra={"customer": "C1", "level": 2})
        assert started == {"customer": "C1", "level": 2}
        fake.merchant.of(EKYCRecords).answers["ph.ekyc.result"] = {"anything": ["goes"]}
        assert await ekyc.result(extra={"customer": "C1"}) == {"anything": ["goes"]}
    assert fake.merchant.of(EKYCRecords).asked == [
        ("ph.ekyc.init", {"customer": "C1", "level": 2}),
        ("ph.ekyc.result", {"customer": "C1"}),
    ]


async def test_without_a_path_nothing_is_sent(paycools: PayCoolsPH, fake: FakePayCools) -> None:
    ekyc = EKYC(paycools)
    for call, id in ((ekyc.init, "ph.ekyc.init"), (ekyc.result, "ph.ekyc.result")):
        with pytest.raises(EndpointUnpublishedError, match=f'paths={{"{id}"'):
            await call()
    assert fake.requests == {}


def test_a_notification_keeps_every_field(fake: FakePayCools) -> None:
    assert fake.ph_credentials.callback_secret is not None
    notify_ekyc(fake.merchant, {"eventName": "some.event", "customer": "C1"})
    (body,) = fake.merchant.due_callbacks()
    event = structure(json.loads(body), EKYCNotification)
    assert event.event_name == "some.event"
    assert event.raw == json.loads(body)
    assert event.raw["customer"] == "C1"


def test_extra_fields_are_not_shown() -> None:
    assert "Juan" not in repr(EKYC.init.request(extra={"name": "Juan"}))
